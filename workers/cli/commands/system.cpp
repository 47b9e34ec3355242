#include "workers/cli/commands/system.h"

#include <algorithm>

#include "workers/cli/commands/gateway_methods.h"
#include "workers/common/base/clock.h"

namespace cli {

namespace {

int finish(const Context& context, const Result<Json>& answer, const std::string& text) {
    if (!answer) return fail(answer.error());
    print(context.arguments.has("json") ? pretty(*answer) : text);
    return 0;
}

std::string ago(int64_t at_ms, int64_t now_ms) {
    return duration(std::max<int64_t>(0, now_ms - at_ms)) + " ago";
}

int turn_heartbeats(const Context& context, bool on) {
    return finish(context, call_gateway(context, "set-heartbeats", {{"enabled", on}}),
                  on ? "Heartbeats are on.\n" : "Heartbeats are off.\n");
}

}  // namespace

std::string heartbeat_text(const Json& event, int64_t now_ms) {
    if (!event.is_object()) return "There has been no heartbeat yet.\n";
    std::vector<std::vector<Cell>> rows = {
        {{"last heartbeat"}, {ago(int_member(event, "ts"), now_ms)}},
        {{"status"}, {printable(text_member(event, "status", "?"))}}};
    for (const char* name : {"reason", "preview"})
        if (const std::string value = text_member(event, name); !value.empty())
            rows.push_back({{name}, {printable(value)}});
    return table(rows, Style{});
}

std::string presence_text(const Json& entries, const Style& style, int64_t now_ms) {
    if (!entries.is_array() || entries.empty()) return "Nobody is there.\n";
    std::vector<std::vector<Cell>> rows = {
        {{"host"}, {"mode"}, {"address"}, {"version"}, {"seen"}, {"text"}}};
    for (const Json& entry : entries)
        rows.push_back({{printable(text_member(entry, "host", "-"))},
                        {printable(text_member(entry, "mode", "-"))},
                        {printable(text_member(entry, "ip", "-"))},
                        {printable(text_member(entry, "version", "-"))},
                        {ago(int_member(entry, "ts"), now_ms)},
                        {cut(printable(text_member(entry, "text")), 60)}});
    return table(rows, style);
}

int run_system_event(const Context& context) {
    const Arguments& given = context.arguments;
    const std::string mode = given.text("mode", "next-heartbeat");
    if (given.text("text").empty()) return fail({Fault::bad_message, "--text is missing"});
    if (mode != "now" && mode != "next-heartbeat")
        return fail({Fault::bad_message, "--mode must be now or next-heartbeat"});
    return finish(
        context, call_gateway(context, "wake", {{"mode", mode}, {"text", given.text("text")}}),
        mode == "now" ? "The agent is told now.\n" : "The agent is told at its next turn.\n");
}

int run_system_heartbeat(const Context& context) {
    const std::string& what = context.arguments.operands().front();
    if (what == "enable" || what == "disable") return turn_heartbeats(context, what == "enable");
    if (what != "last")
        return fail(
            {Fault::bad_message, "\"" + what + "\" is not known; use last, enable or disable"});
    const Result<Json> answer = call_gateway(context, "last-heartbeat", Json::object());
    return finish(context, answer, answer ? heartbeat_text(*answer, wall_ms()) : "");
}

int run_system_presence(const Context& context) {
    const Result<Json> answer = call_gateway(context, "system-presence", Json::object());
    return finish(context, answer, answer ? presence_text(*answer, context.style, wall_ms()) : "");
}

}  // namespace cli
