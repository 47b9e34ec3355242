#include "workers/cli/commands/dashboard.h"

#include "workers/cli/control_client.h"
#include "workers/cli/gateway_target.h"
#include "workers/cli/plan_query.h"
#include "workers/common/base/json.h"

namespace cli {

namespace {

std::string base_path_of(const hardshell::proto::Plan& plan) {
    const auto* gateway = worker_of_kind(plan, "gateway");
    if (!gateway) return {};
    const Result<Json> config = parse_json(gateway->settings().config_json());
    if (!config) return {};
    const Json& path = member_at(*config, "gateway.controlUi.basePath");
    return path.is_string() ? path.get<std::string>() : "";
}

std::string credential_remark(const Target& target, bool has_token) {
    if (has_token) return "";
    return "The page will ask for the password (" + target.credential_source + ").\n";
}

}  // namespace

std::string page_address(const Page& page) {
    std::string out = page.fly_app.empty() ? "http://" + page.host + ":" + std::to_string(page.port)
                                           : "https://" + page.fly_app + ".fly.dev";
    const size_t begin = page.base_path.find_first_not_of('/');
    if (begin != std::string::npos) {
        out += "/" + page.base_path.substr(begin);
        while (out.back() == '/') out.pop_back();
    }
    out += "/";
    if (!page.token.empty()) out += "#token=" + url_encode(page.token);
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
    page.base_path = base_path_of(*plan);
    page.fly_app = context.environment("FLY_APP_NAME");
    page.token = target->token.reveal();
    print(page_address(page) + "\n" + credential_remark(*target, !page.token.empty()));
    if (!target->running) complain("the gateway is not running; start it with `hardshell gateway`");
    return 0;
}

}  // namespace cli
