#include "workers/cli/commands/gateway_methods.h"

#include <unistd.h>

#include <memory>

#include "workers/cli/control_client.h"
#include "workers/cli/gateway_client.h"

namespace cli {

namespace {

constexpr int64_t timeout_by_default_ms = 10'000;
constexpr int64_t longest_patience_ms = 24 * 3600 * 1000;

// What one call over a connection of its own brought.
struct Answer {
    Target target;
    Json hello;
    Json payload;
};

Result<Answer> call_once(const Context& context, const GatewayClient::Call& call,
                         int64_t patience_ms = timeout_by_default_ms) {
    const Result<int64_t> timeout =
        context.arguments.number("timeout", patience_ms, longest_patience_ms);
    if (!timeout) return timeout.error();
    Result<Target> target = find_gateway(context);
    if (!target) return target.error();
    const Deadline deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(*timeout);
    Result<std::unique_ptr<GatewayClient>> client = GatewayClient::connect(*target, deadline);
    if (!client) return client.error();
    Result<Json> payload = (*client)->call(call, deadline);
    if (!payload) return payload.error();
    return Answer{std::move(*target), (*client)->hello(), std::move(*payload)};
}

std::string count_of(const Json& value, const char* path) {
    const Json& found = member_at(value, path);
    return found.is_number_integer() ? std::to_string(found.get<int64_t>()) : "-";
}

// "127.0.0.1" of "ws://127.0.0.1:3000".
std::string host_in(const std::string& url) {
    const Result<Url> parsed = parse_url(url);
    return parsed ? parsed->host : std::string();
}

void add_agents(const Json& payload, std::vector<std::vector<Cell>>& rows) {
    for (const Json& agent : member(payload, "agents")) {
        const std::string id = text_member(agent, "agentId", "?");
        rows.push_back({{"agent " + printable(id)},
                        {count_of(agent, "sessions.count") + " sessions" +
                         (bool_member(agent, "isDefault") ? ", the default agent" : "")}});
    }
}

void add_channels(const Json& payload, std::vector<std::vector<Cell>>& rows) {
    const Json& channels = member(payload, "channels");
    if (!channels.is_object()) return;
    for (const auto& [name, channel] : channels.items())
        rows.push_back({{"channel " + printable(name)},
                        {bool_member(channel, "configured") ? "configured" : "not configured"}});
}

}  // namespace

std::string pretty(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Json> call_gateway(const Context& context, const std::string& method, const Json& params,
                          int64_t patience_ms) {
    Result<Answer> answer = call_once(context, {method, params, false, {}}, patience_ms);
    if (!answer) return answer.error();
    return std::move(answer->payload);
}

std::string health_text(const Json& payload) {
    const bool ok = bool_member(payload, "ok");
    std::vector<std::vector<Cell>> rows = {
        {{"health"}, {ok ? "ok" : "not ok"}},
        {{"answered in"}, {duration(int_member(payload, "durationMs"))}},
    };
    for (const Json& worker : member(payload, "workers"))
        if (const std::string state = text_member(worker, "state"); state != "ready")
            rows.push_back({{"worker " + printable(text_member(worker, "name"))},
                            {printable(state) + "; see `hardshell status`"}});
    add_agents(payload, rows);
    add_channels(payload, rows);
    return table(rows, Style{});
}

std::string gateway_status_text(const Target& target, const Json& hello, const Json& payload) {
    std::vector<std::vector<Cell>> rows = {
        {{"gateway"}, {target.url}},
        {{"version"}, {printable(text_member(member(hello, "server"), "version", "?"))}},
        {{"protocol"}, {count_of(hello, "protocol")}},
        {{"running for"}, {duration(int_member(member(hello, "snapshot"), "uptimeMs"))}},
        {{"sessions"}, {count_of(payload, "sessions.count")}},
    };
    const Json& model = member_at(payload, "sessions.defaults.model");
    if (model.is_string()) rows.push_back({{"model"}, {printable(model.get<std::string>())}});
    if (!target.port_source.empty()) rows.push_back({{"port known from"}, {target.port_source}});
    return table(rows, Style{});
}

Json gateway_status_json(const Target& target, const Json& hello, const Json& payload) {
    Json gateway = {{"bindMode", nullptr}, {"bindHost", nullptr}};
    if (!target.bind.empty()) {
        gateway["bindMode"] = target.bind;
        gateway["bindHost"] = target.bind == "lan" ? "0.0.0.0" : host_in(target.url);
    }
    gateway["port"] = target.port;
    gateway["portSource"] = target.port_source;
    gateway["probeUrl"] = target.url;
    return {{"gateway", std::move(gateway)},
            {"rpc", {{"ok", true}, {"url", target.url}}},
            {"extraServices", Json::array()},
            {"server", member(hello, "server")},
            {"status", payload}};
}

Json service_json(const Result<hardshell::proto::StatusReport>& report,
                  const std::string& config_path, bool config_exists) {
    Json runtime = {{"status", report ? "running" : "stopped"}};
    Json config = {{"cli", {{"path", config_path}, {"exists", config_exists}}}};
    Json port = Json::object();
    if (report) {
        runtime["pid"] = report->pid();
        config["daemon"] = {{"path", report->config_path()},
                            {"exists", report->plan_source() != "none"},
                            {"valid", report->degraded().empty()}};
        port = {{"port", report->port()}, {"status", "busy"}};
        port["listeners"] = Json::array({{{"pid", report->pid()}, {"command", "hardshell"}}});
        port["hints"] = Json::array();
    } else {
        runtime["detail"] = report.error().what;
    }
    return {{"service",
             {{"label", "hardshell"},
              {"loaded", report.has_value()},
              {"loadedText", "running"},
              {"notLoadedText", "not running"},
              {"runtime", std::move(runtime)}}},
            {"config", std::move(config)},
            {"port", std::move(port)}};
}

int run_health(const Context& context) {
    const Result<Answer> answer = call_once(context, {"health", Json::object(), false, {}});
    if (!answer) return fail(answer.error());
    print(context.arguments.has("json") ? print_json(answer->payload) + "\n"
                                        : health_text(answer->payload));
    return bool_member(answer->payload, "ok") ? 0 : 1;
}

int run_gateway_call(const Context& context) {
    const Arguments& given = context.arguments;
    const Result<Json> params = parse_json(given.text("params", "{}"));
    if (!params || !params->is_object())
        return fail(
            {Fault::bad_message, "--params must be a JSON object" +
                                     (params ? std::string() : ": " + params.error().what)});
    const Result<Answer> answer =
        call_once(context, {given.operands().front(), *params, given.has("expect-final"), {}});
    if (!answer) return fail(answer.error());
    print(given.has("json") ? print_json(answer->payload) + "\n" : pretty(answer->payload));
    return 0;
}

int run_gateway_status(const Context& context) {
    const Result<Answer> answer = call_once(context, {"status", Json(), false, {}});
    if (context.arguments.has("json")) {
        Json out = service_json(ask_status(context), context.config_path,
                                ::access(context.config_path.c_str(), F_OK) == 0);
        if (answer)
            out.update(gateway_status_json(answer->target, answer->hello, answer->payload));
        else
            out["rpc"] = {{"ok", false}, {"error", answer.error().what}};
        print(print_json(out) + "\n");
    } else if (answer) {
        print(gateway_status_text(answer->target, answer->hello, answer->payload));
    }
    return answer ? 0 : fail(answer.error());
}

}  // namespace cli
