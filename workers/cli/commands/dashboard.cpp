#include "workers/cli/commands/dashboard.h"

#include "workers/cli/control_client.h"
#include "workers/cli/gateway_target.h"
#include "workers/cli/plan_query.h"
#include "workers/common/base/json.h"

namespace cli {

namespace {

// What the gateway is told of the page.
void take_page(const hardshell::proto::Plan& plan, Page& page) {
    const auto* gateway = worker_of_kind(plan, "gateway");
    if (!gateway) return;
    const auto& variables = gateway->settings().environment();
    const auto root = variables.find("HARDSHELL_CONTROL_UI_ROOT");
    page.is_owners_build = root != variables.end() && !root->second.empty();
    const Result<Json> config = parse_json(gateway->settings().config_json());
    if (!config) return;
    const Json& section = member_at(*config, "gateway.controlUi");
    page.base_path = text_member(section, "basePath");
    if (!text_member(section, "root").empty()) page.is_owners_build = true;
}

std::string credential_remark(const Target& target, bool has_token) {
    if (has_token) return "";
    return "The page will ask for the password (" + target.credential_source + ").\n";
}

}  // namespace

std::string page_address(const Page& page) {
    std::string out =
        page.gateway_url.starts_with("ws")
            ? "http" + page.gateway_url.substr(2, page.gateway_url.find_first_of("/?#", 6) - 2)
        : page.fly_app.empty() ? "http://" + page.host + ":" + std::to_string(page.port)
                               : "https://" + page.fly_app + ".fly.dev";
    const size_t begin = page.base_path.find_first_not_of('/');
    if (begin != std::string::npos) {
        out += "/" + page.base_path.substr(begin);
        while (out.back() == '/') out.pop_back();
    }
    out += "/";
    const std::string before = page.is_owners_build ? "?token=" : "#token=";
    if (!page.token.empty()) out += before + url_encode(page.token);
    return out;
}

int run_dashboard(const Context& context) {
    Result<hardshell::proto::Plan> plan = ask_planner(context);
    if (!plan) return fail(plan.error());
    Sources sources{ask_status(context),
                    [&]() -> const Result<hardshell::proto::Plan>& { return plan; }};
    Result<Target> target = choose_target(context, sources);
    if (!target) return fail(target.error());

    Page page;
    page.host = local_host(*plan);
    page.port = target->port;
    take_page(*plan, page);
    page.fly_app = context.environment("FLY_APP_NAME");
    page.token = target->token.reveal();
    if (target->remote) page.gateway_url = target->url;
    print(page_address(page) + "\n" + credential_remark(*target, !page.token.empty()));
    if (!target->running && !target->remote)
        complain("the gateway is not running; start it with `hardshell gateway`");
    return 0;
}

}  // namespace cli
