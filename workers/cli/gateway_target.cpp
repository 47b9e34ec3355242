#include "workers/cli/gateway_target.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "workers/cli/control_client.h"
#include "workers/cli/plan_query.h"

namespace cli {

namespace {

using hardshell::proto::Plan;
using hardshell::proto::RemoteGateway;
using hardshell::proto::StatusReport;

struct Port {
    uint32_t number;
    const char* source;
};

Port choose_port(const Context& context, const Sources& sources) {
    // A supervisor without a plan yet has no port.
    if (sources.status && sources.status->port() > 0)
        return {sources.status->port(), "running gateway"};
    int64_t number = 0;
    if (parse_number(context.variable("GATEWAY_PORT"), 65535, number) && number > 0)
        return {static_cast<uint32_t>(number), "environment"};
    const Result<Plan>& plan = sources.plan();
    const auto* gateway = plan ? worker_of_kind(*plan, "gateway") : nullptr;
    if (gateway && gateway->settings().port() > 0)
        return {gateway->settings().port(), "configuration"};
    return {default_port, "default"};
}

// A gateway bound to one address only is not on 127.0.0.1; the plan knows where it is.
std::string choose_host(const Sources& sources) {
    const std::string bind = sources.status ? sources.status->bind() : "";
    if (bind != "tailnet" && bind != "custom") return "127.0.0.1";
    const Result<Plan>& plan = sources.plan();
    return plan ? local_host(*plan) : "127.0.0.1";
}

void take_options(const Context& context, Target& target) {
    target.token = Secret(context.arguments.text("token"));
    target.password = Secret(context.arguments.text("password"));
    target.credential_source = target.token.empty() ? "--password" : "--token";
}

void take_environment(const Context& context, Target& target) {
    target.token = Secret(context.variable("GATEWAY_TOKEN"));
    target.password = Secret(context.variable("GATEWAY_PASSWORD"));
    target.credential_source = target.token.empty()
                                   ? "environment variable OPENCLAW_GATEWAY_PASSWORD"
                                   : "environment variable OPENCLAW_GATEWAY_TOKEN";
}

void take_plan(const Plan& plan, Target& target) {
    if (const auto* token = gateway_secret(plan, "gateway.auth.token")) {
        target.token = Secret(token->value());
        target.credential_source = token->source();
    }
    if (const auto* password = gateway_secret(plan, "gateway.auth.password")) {
        target.password = Secret(password->value());
        if (target.token.empty()) target.credential_source = password->source();
    }
}

// Of the file or link, not of its content: what is put back by `cp -p` looks old. 0: there is none.
int64_t changed_ms(const struct stat& file) {
    return file.st_ctim.tv_sec * 1000 + file.st_ctim.tv_nsec / 1'000'000;
}

// Whether the running gateway has read gateway.mode as it is now. A planner of one's own would
// take longer than all the rest of a short command.
bool knows_the_mode(const Context& context, const StatusReport& status) {
    struct stat file {};
    struct stat link {};
    if (!status.mode_is_of_the_file() || status.config_path() != context.config_path) return false;
    if (::stat(context.config_path.c_str(), &file) != 0 && errno != ENOENT) return false;
    if (::lstat(context.config_path.c_str(), &link) != 0 && errno != ENOENT) return false;
    return std::max(changed_ms(file), changed_ms(link)) < status.plan_made_ms();
}

// The one of gateway.remote; null where gateway.mode is another, or no planner answers.
const RemoteGateway* remote_gateway(const Context& context, const Sources& sources) {
    if (sources.status && !sources.status->mode_is_remote() &&
        knows_the_mode(context, *sources.status))
        return nullptr;
    const Result<Plan>& plan = sources.plan();
    return plan && plan->has_remote() ? &plan->remote() : nullptr;
}

bool has_credential(const Target& target) {
    return !target.token.empty() || !target.password.empty();
}

Error no_credential(const Context& context, const std::string& why) {
    return Error{Fault::bad_credentials,
                 "no gateway token is known (" + why +
                     "); give --token, set OPENCLAW_GATEWAY_TOKEN, or run this as the user that "
                     "owns " +
                     context.state_dir};
}

Result<Target> remote_target(const Context& context, const RemoteGateway& remote) {
    Target target;
    target.remote = true;
    target.url = remote.url();
    target.port_source = "gateway.remote.url";
    take_options(context, target);
    if (has_credential(target)) return target;
    target.token = Secret(remote.token());
    target.password = Secret(remote.password());
    target.credential_source =
        target.token.empty() ? "gateway.remote.password" : "gateway.remote.token";
    if (has_credential(target)) return target;
    return Error{Fault::bad_credentials,
                 "gateway.mode is \"remote\" and no token for " + target.url +
                     " is known (those of this machine are not sent there); set "
                     "gateway.remote.token in " +
                     context.config_path + ", or give --token"};
}

}  // namespace

std::string local_host(const Plan& plan) {
    std::string first;
    for (const auto& listener : plan.listeners())
        for (const auto& address : listener.addresses()) {
            if (listener.name() != "http") continue;
            if (address.ip() == "127.0.0.1" || address.ip() == "0.0.0.0" || address.ip() == "::")
                return "127.0.0.1";
            if (first.empty()) first = address.ip();
        }
    if (first.find(':') != std::string::npos) return "[" + first + "]";
    return first.empty() ? "127.0.0.1" : first;
}

bool is_loopback_url(const std::string& url) {
    const size_t scheme = url.find("://");
    std::string host = scheme == std::string::npos ? url : url.substr(scheme + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    if (host.find('@') != std::string::npos) return false;
    if (host.starts_with("[")) return host.substr(0, host.find(']') + 1) == "[::1]";
    host = host.substr(0, host.find(':'));
    return host == "127.0.0.1" || host == "localhost";
}

Result<Target> choose_target(const Context& context, const Sources& sources) {
    if (context.arguments.text("url").empty())
        if (const RemoteGateway* remote = remote_gateway(context, sources))
            return remote_target(context, *remote);
    Target target;
    target.running = sources.status.has_value();
    target.url = context.arguments.text("url");
    const bool foreign = !target.url.empty() && !is_loopback_url(target.url);
    if (target.url.empty()) {
        const Port port = choose_port(context, sources);
        if (sources.status) target.bind = sources.status->bind();
        target.port = port.number;
        target.port_source = port.source;
        target.url = "ws://" + choose_host(sources) + ":" + std::to_string(port.number);
    }
    take_options(context, target);
    if (!has_credential(target)) take_environment(context, target);
    if (has_credential(target)) return target;
    if (foreign) return no_credential(context, "the configured one is not sent to " + target.url);
    const Result<Plan>& plan = sources.plan();
    if (!plan) return no_credential(context, plan.error().what);
    take_plan(*plan, target);
    if (!has_credential(target) && !target.running)
        return Error{Fault::unreachable, "no gateway has run yet for the state directory " +
                                             context.state_dir +
                                             "; start one with `hardshell gateway`"};
    if (!has_credential(target)) return no_credential(context, "none is configured or generated");
    return target;
}

Result<Target> find_gateway(const Context& context) {
    std::optional<Result<Plan>> asked;
    Sources sources{Error{Fault::unreachable, "not asked"}, [&]() -> const Result<Plan>& {
                        if (!asked) asked.emplace(ask_planner(context));
                        return *asked;
                    }};
    if (context.arguments.text("url").empty()) sources.status = ask_status(context);
    return choose_target(context, sources);
}

}  // namespace cli
