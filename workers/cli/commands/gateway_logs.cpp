#include "workers/cli/commands/gateway_logs.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <thread>

#include "workers/cli/commands/gateway_methods.h"

namespace cli {

namespace {

constexpr int64_t usual_tail_lines = 200;
constexpr int64_t most_tail_lines = 5'000;
constexpr int64_t usual_tail_bytes = 250'000;
constexpr int64_t most_tail_bytes = 1'000'000;
constexpr int64_t usual_interval_ms = 1'000;
constexpr int64_t longest_interval_ms = 3'600'000;

}  // namespace

std::string remote_log_line(const std::string& line, const std::string& worker, bool json,
                            const Style& style) {
    const Result<Json> read = parse_json(line);
    if (!read || !read->is_object()) return {};
    const Result<Json> context = parse_json(text_member(*read, "0"));
    const std::string subsystem = context ? text_member(*context, "subsystem") : "";
    if (!worker.empty() && subsystem != worker && !subsystem.starts_with(worker + "/")) return {};
    const std::string time = text_member(*read, "time");
    const std::string message = text_member(*read, "1");
    if (!json)
        return style.paint(Colour::faint, printable(time)) + " [" + printable(subsystem) + "] " +
               printable(message) + "\n";
    std::string level = text_member(member(*read, "_meta"), "logLevelName", "INFO");
    for (char& letter : level)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return print_json({{"type", "log"},
                       {"time", time},
                       {"level", level},
                       {"subsystem", subsystem},
                       {"message", message}}) +
           "\n";
}

int run_gateway_logs(const Context& context) {
    const Arguments& given = context.arguments;
    const Result<int64_t> lines = given.number("lines", usual_tail_lines, most_tail_lines);
    if (!lines) return fail(lines.error());
    const Result<int64_t> bytes = given.number("max-bytes", usual_tail_bytes, most_tail_bytes);
    if (!bytes) return fail(bytes.error());
    const Result<int64_t> interval =
        given.number("interval", usual_interval_ms, longest_interval_ms);
    if (!interval) return fail(interval.error());
    const std::string worker = given.operands().empty() ? "" : given.operands().front();
    const Style style = given.has("plain") ? Style{} : context.style;
    Json params = {{"limit", *lines}, {"maxBytes", *bytes}};
    for (;;) {
        const Result<Json> tail = call_gateway(context, "logs.tail", params);
        if (!tail) return fail(tail.error());
        std::string out;
        for (const Json& line : member(*tail, "lines"))
            if (line.is_string())
                out += remote_log_line(line.get<std::string>(), worker, given.has("json"), style);
        if (!out.empty() && !print(out)) return 0;  // a closed pipe ends it
        if (!given.has("follow")) return 0;
        params["cursor"] = int_member(*tail, "cursor");
        std::this_thread::sleep_for(std::chrono::milliseconds(*interval));
    }
}

}  // namespace cli
