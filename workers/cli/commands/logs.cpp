#include "workers/cli/commands/logs.h"

#include "workers/cli/control_client.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/json.h"

namespace cli {

namespace {

constexpr int64_t lines_by_default = 200;
constexpr int64_t most_lines = 10'000;  // more the supervisor does not give
constexpr int64_t most_bytes = int64_t{1} << 30;

// "warn: what happened" is what happened, at the level warn.
std::pair<std::string, std::string> levelled(const std::string& text) {
    for (const char* word : {"trace", "debug", "warn", "error"})
        if (const std::string begin = std::string(word) + ": "; text.starts_with(begin))
            return {word, text.substr(begin.size())};
    return {"info", text};
}

}  // namespace

std::string log_text(const hardshell::proto::LogLine& line, const Style& style) {
    return style.paint(Colour::faint, iso_time(line.time_ms())) + " [" + line.worker() + "] " +
           printable(line.text()) + "\n";
}

std::string log_json(const hardshell::proto::LogLine& line) {
    const auto [level, message] = levelled(line.text());
    return print_json({{"type", "log"},
                       {"time", iso_time(line.time_ms())},
                       {"level", level},
                       {"subsystem", line.worker()},
                       {"message", message},
                       {"sequence", line.sequence()},
                       {"worker", line.worker()},
                       {"text", line.text()}}) +
           "\n";
}

int run_logs(const Context& context) {
    const Arguments& given = context.arguments;
    const Result<int64_t> lines = given.number("lines", lines_by_default, most_lines);
    if (!lines) return fail(lines.error());
    const Result<int64_t> bytes = given.number("max-bytes", most_bytes, most_bytes);
    if (!bytes) return fail(bytes.error());
    const Result<int64_t> interval = given.number("interval", 1, most_bytes);
    if (!interval) return fail(interval.error());
    const Style style = given.has("plain") ? Style{} : context.style;
    const bool follow = given.has("follow");
    const bool json = given.has("json");
    Result<ControlClient> client = ControlClient::connect(context);
    if (!client) return fail(client.error());

    const std::string worker = given.operands().empty() ? "" : given.operands().front();
    const Done done = client->ask(
        "logs", {worker, std::to_string(*lines), follow ? "follow" : "", std::to_string(*bytes)},
        follow ? std::chrono::milliseconds{0} : control_patience,
        [&](const ControlClient::Reply& reply) {
            std::string out;
            for (const auto& line : reply.lines())
                out += json ? log_json(line) : log_text(line, style);
            return out.empty() || print(out);  // a closed pipe ends it
        });
    return done ? 0 : fail(done.error());
}

}  // namespace cli
