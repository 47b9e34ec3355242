#include "workers/cli/commands/gateway_probe.h"

#include <cstdio>
#include <memory>

#include "workers/cli/commands/gateway_methods.h"
#include "workers/cli/gateway_client.h"
#include "workers/common/base/clock.h"

namespace cli {

namespace {

constexpr int64_t probe_timeout_ms = 3'000;
constexpr int64_t longest_timeout_ms = 24 * 3600 * 1000;
constexpr int64_t usual_days = 30;
constexpr int64_t most_days = 3'660;
// What OpenClaw's probe asks.
constexpr const char* asked[] = {"health", "status", "system-presence", "config.get"};

Probe probe_of(const Target& target, Deadline deadline) {
    Probe probe;
    probe.url = target.url;
    const int64_t began = monotonic_ms();
    Result<std::unique_ptr<GatewayClient>> client = GatewayClient::connect(target, deadline);
    probe.latency_ms = monotonic_ms() - began;
    if (!client) {
        probe.error = client.error().what;
        return probe;
    }
    probe.reached = true;
    probe.hello = (*client)->hello();
    for (const char* method : asked) {
        Result<Json> payload = (*client)->call({method, Json::object(), false, {}}, deadline);
        if (payload)
            probe.answers[method] = std::move(*payload);
        else if (probe.call_error.empty())
            probe.call_error = payload.error().what;
    }
    return probe;
}

Json answer_of(const Probe& probe, const char* method) {
    return member(probe.answers, method);
}

std::string money(const Json& value) {
    char text[32];
    std::snprintf(text, sizeof text, "$%.4f", value.is_number() ? value.get<double>() : 0.0);
    return text;
}

std::vector<Cell> usage_row(const std::string& name, const Json& usage) {
    std::vector<Cell> row = {{name}};
    for (const char* key : {"input", "output", "cacheRead", "cacheWrite", "totalTokens"})
        row.push_back({std::to_string(int_member(usage, key))});
    row.push_back({money(member(usage, "totalCost"))});
    return row;
}

}  // namespace

Json probe_json(const Probe& probe, int64_t began_ms, int64_t now_ms, int64_t timeout_ms) {
    const bool complete = probe.reached && probe.call_error.empty();
    Json connect = {{"ok", probe.reached},
                    {"rpcOk", complete},
                    {"latencyMs", probe.reached ? Json(probe.latency_ms) : Json()},
                    {"error", probe.reached ? Json() : Json(probe.error)}};
    Json target = {{"id", "local"},
                   {"kind", "local"},
                   {"url", probe.url},
                   {"active", true},
                   {"connect", std::move(connect)},
                   {"self", member(probe.hello, "server")},
                   {"health", answer_of(probe, "health")},
                   {"summary", answer_of(probe, "status")},
                   {"presence", answer_of(probe, "system-presence")},
                   {"config", answer_of(probe, "config.get")}};
    Json warnings = Json::array();
    if (!probe.call_error.empty()) warnings.push_back({{"message", probe.call_error}});
    return {{"ok", probe.reached},
            {"degraded", probe.reached && !complete},
            {"ts", now_ms},
            {"durationMs", now_ms - began_ms},
            {"timeoutMs", timeout_ms},
            {"primaryTargetId", probe.reached ? "local" : ""},
            {"warnings", std::move(warnings)},
            {"targets", Json::array({std::move(target)})}};
}

std::string probe_text(const Probe& probe, const Style& style) {
    std::vector<std::vector<Cell>> rows = {{{"gateway"}, {probe.url}}};
    if (!probe.reached) {
        rows.push_back({{"reachable"}, {"no: " + printable(probe.error), Colour::bad}});
        return table(rows, style);
    }
    rows.push_back({{"reachable"}, {"yes, in " + duration(probe.latency_ms), Colour::good}});
    rows.push_back(
        {{"version"}, {printable(text_member(member(probe.hello, "server"), "version", "?"))}});
    const bool ok = bool_member(answer_of(probe, "health"), "ok");
    rows.push_back({{"health"}, {ok ? "ok" : "not ok", ok ? Colour::good : Colour::bad}});
    if (!probe.call_error.empty())
        rows.push_back({{"refused"}, {printable(probe.call_error), Colour::warn}});
    return table(rows, style);
}

std::string usage_cost_text(const Json& usage, const Style& style) {
    std::vector<std::vector<Cell>> rows = {
        {{"DATE"}, {"INPUT"}, {"OUTPUT"}, {"CACHE READ"}, {"CACHE WRITE"}, {"TOKENS"}, {"COST"}}};
    for (const Json& day : member(usage, "daily"))
        rows.push_back(usage_row(printable(text_member(day, "date", "?")), day));
    rows.push_back(usage_row("total", member(usage, "totals")));
    std::string text = "Usage of the last " + std::to_string(int_member(usage, "days")) +
                       " days\n" + table(rows, style);
    const int64_t missing = int_member(member(usage, "totals"), "missingCostEntries");
    if (missing > 0)
        text +=
            "For " + std::to_string(missing) + " answers the price of the model is not known.\n";
    return text;
}

int run_gateway_probe(const Context& context) {
    const Result<int64_t> timeout =
        context.arguments.number("timeout", probe_timeout_ms, longest_timeout_ms);
    if (!timeout) return fail(timeout.error());
    const int64_t began = wall_ms();
    const Result<Target> target = find_gateway(context);
    if (!target) return fail(target.error());
    const Probe probe =
        probe_of(*target, std::chrono::steady_clock::now() + std::chrono::milliseconds(*timeout));
    print(context.arguments.has("json") ? pretty(probe_json(probe, began, wall_ms(), *timeout))
                                        : probe_text(probe, context.style));
    return probe.reached ? 0 : 1;
}

int run_gateway_usage_cost(const Context& context) {
    const Result<int64_t> days = context.arguments.number("days", usual_days, most_days);
    if (!days) return fail(days.error());
    const Result<Json> usage = call_gateway(context, "usage.cost", {{"days", *days}});
    if (!usage) return fail(usage.error());
    print(context.arguments.has("json") ? pretty(*usage) : usage_cost_text(*usage, context.style));
    return 0;
}

}  // namespace cli
