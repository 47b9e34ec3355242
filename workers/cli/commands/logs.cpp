#include "workers/cli/commands/logs.h"

#include "workers/cli/control_client.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/json.h"

namespace cli {

namespace {

constexpr int64_t lines_by_default = 200;
constexpr int64_t most_lines = 10'000;  // more the supervisor does not give

}  // namespace

std::string log_text(const hardshell::proto::LogLine& line, const Style& style) {
    return style.paint(Colour::faint, iso_time(line.time_ms())) + " [" + line.worker() + "] " +
           printable(line.text()) + "\n";
}

std::string log_json(const hardshell::proto::LogLine& line) {
    return print_json({{"sequence", line.sequence()},
                       {"time", iso_time(line.time_ms())},
                       {"worker", line.worker()},
                       {"text", line.text()}}) +
           "\n";
}

int run_logs(const Context& context) {
    const Arguments& given = context.arguments;
    const Result<int64_t> lines = given.number("lines", lines_by_default, most_lines);
    if (!lines) return fail(lines.error());
    const bool follow = given.has("follow");
    const bool json = given.has("json");
    Result<ControlClient> client = ControlClient::connect(context);
    if (!client) return fail(client.error());

    const std::string worker = given.operands().empty() ? "" : given.operands().front();
    const Done done = client->ask("logs", {worker, std::to_string(*lines), follow ? "follow" : ""},
                                  follow ? std::chrono::milliseconds{0} : control_patience,
                                  [&](const ControlClient::Reply& reply) {
                                      std::string out;
                                      for (const auto& line : reply.lines())
                                          out +=
                                              json ? log_json(line) : log_text(line, context.style);
                                      return out.empty() || print(out);  // a closed pipe ends it
                                  });
    return done ? 0 : fail(done.error());
}

}  // namespace cli
