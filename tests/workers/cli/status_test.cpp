#include "workers/cli/commands/status.h"

#include <gmock/gmock.h>

#include "tests/workers/cli/doubles.h"
#include "workers/cli/commands/gateway_logs.h"
#include "workers/cli/commands/logs.h"
#include "workers/cli/commands/worker_report.h"
#include "workers/common/base/json.h"

namespace cli {
namespace {

using cli_test::healthy_report;
using hardshell::proto::LogLine;
using hardshell::proto::StatusReport;
using hardshell::proto::WorkerStatus;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t started = 1'000'000;
constexpr int64_t now = started + 2 * 3600 * 1000;

TEST(Output, AlignsColumnsByLettersNotBytes) {
    EXPECT_EQ(table({{{"NAME"}, {"X"}}, {{"äöü"}, {"1"}}, {{"ab"}, {"2"}}}, Style{}),
              "NAME  X\näöü   1\nab    2\n");
}

TEST(Output, LeavesNoSpacesAtTheEndOfALine) {
    EXPECT_EQ(table({{{"A"}, {"B"}}, {{"x"}, {""}}}, Style{}), "A  B\nx\n");
}

TEST(Output, ColoursOnlyWhenAsked) {
    EXPECT_EQ(Style{false}.paint(Colour::bad, "x"), "x");
    EXPECT_EQ(Style{true}.paint(Colour::bad, "x"), "\x1b[31mx\x1b[0m");
    EXPECT_EQ(table({{{"a", Colour::good}, {"b"}}, {{"long"}, {"c"}}}, Style{true}),
              "\x1b[32ma\x1b[0m     b\nlong  c\n");
}

TEST(Output, CutsTheLastColumnToTheTerminal) {
    const std::vector<std::vector<Cell>> rows = {{{"ab"}, {"äöü is longer than the line"}}};
    EXPECT_EQ(table(rows, Style{}, 23), "ab  äöü is longer than…\n");
    EXPECT_EQ(table(rows, Style{}, 10), "ab  äöü is longer t…\n") << "some of it always stays";
    EXPECT_EQ(cut("äöü", 3), "äöü");
    EXPECT_EQ(cut("äöüx", 3), "äö…");
}

TEST(Output, SaysDurationsInTwoUnits) {
    EXPECT_EQ(duration(-5), "0 ms");
    EXPECT_EQ(duration(999), "999 ms");
    EXPECT_EQ(duration(12'400), "12 s");
    EXPECT_EQ(duration(200'000), "3 min 20 s");
    EXPECT_EQ(duration(3'600'000), "1 h");
    EXPECT_EQ(duration(47 * 3'600'000LL + 60'000), "47 h 1 min");
    EXPECT_EQ(duration(50 * 3'600'000LL), "2 d 2 h");
}

TEST(Output, SaysSizesInBinaryUnits) {
    EXPECT_EQ(size(0), "0 KiB");
    EXPECT_EQ(size(830'000), "811 KiB");
    EXPECT_EQ(size(4'300'000), "4.1 MiB");
    EXPECT_EQ(size(3ull << 30), "3.0 GiB");
}

TEST(Output, ShowsControlBytesInsteadOfSendingThem) {
    EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a\\x1b[2Jb\\x0ac\\x7f");
    EXPECT_EQ(printable("a\nb\tc\r", true), "a\nb\tc\\x0d");
    EXPECT_EQ(printable("grüße"), "grüße");
}

TEST(Output, EncodesWhatAFragmentCannotHold) {
    EXPECT_EQ(url_encode("aZ9-._~"), "aZ9-._~");
    EXPECT_EQ(url_encode("a b&c#\xc3\xa4"), "a%20b%26c%23%C3%A4");
}

TEST(Status, IsZeroOnlyWhenEveryWorkerIsReady) {
    StatusReport report = healthy_report();
    EXPECT_EQ(status_exit_code(report), 0);
    report.mutable_workers(1)->set_state(WorkerStatus::WAITING);
    EXPECT_EQ(status_exit_code(report), 2);
    report.mutable_workers(1)->set_state(WorkerStatus::READY);
    report.set_degraded("openclaw.json:3: expected a value");
    EXPECT_EQ(status_exit_code(report), 2);
    report.clear_degraded();
    report.clear_workers();
    EXPECT_EQ(status_exit_code(report), 2);
}

TEST(Status, ShowsEachWorkerOnALine) {
    const std::string text = status_text(healthy_report(), now, Style{});
    EXPECT_THAT(text, HasSubstr("Hardshell 0.1.0, process 100, running for 2 h\n"));
    EXPECT_THAT(text, HasSubstr("port 3000, bind lan"));
    EXPECT_THAT(text, HasSubstr("/data/openclaw.json (in force: file)"));
    EXPECT_THAT(text, HasSubstr("agent    ready  103  2 h     0         3.3 MiB\n"));
    EXPECT_THAT(text, Not(HasSubstr("DEGRADED")));
    EXPECT_THAT(text, Not(HasSubstr("Not offered")));
}

TEST(Status, SaysWhyAWorkerIsDownAndWhenItComesBack) {
    StatusReport report = healthy_report();
    WorkerStatus& agent = *report.mutable_workers(1);
    agent.set_state(WorkerStatus::WAITING);
    agent.set_pid(0);
    agent.set_memory_bytes(0);
    agent.set_restarts(4);
    agent.set_last_end("killed by signal 9");
    agent.set_next_start_ms(now + 3000);
    EXPECT_THAT(status_text(report, now, Style{}),
                HasSubstr("agent    waiting  -    -       4         -        "
                          "killed by signal 9; starts again in 3 s\n"));
    agent.set_state(WorkerStatus::HELD);
    EXPECT_THAT(status_text(report, now, Style{}), HasSubstr("held until"));
}

TEST(Status, ShowsDegradationNoticesAndWhatTheMachineLacks) {
    StatusReport report = healthy_report();
    report.set_degraded("openclaw.json:3: expected a value");
    report.add_missing("no cgroups: memory limits by polling");
    auto& notice = *report.add_notices();
    notice.set_severity("warning");
    notice.set_text("unknown key foo\x1b[2J");
    const std::string text = status_text(report, now, Style{});
    EXPECT_THAT(text, HasSubstr("DEGRADED         openclaw.json:3: expected a value"));
    EXPECT_THAT(text, HasSubstr("warning: unknown key foo\\x1b[2J"));
    EXPECT_THAT(text, HasSubstr("no cgroups: memory limits by polling"));
}

TEST(Status, ShowsMemoryAgainstItsLimitAndTheLastErrorInOneLine) {
    StatusReport report = healthy_report();
    WorkerStatus& agent = *report.mutable_workers(1);
    agent.set_memory_bytes(12'900'000);
    agent.set_memory_limit_bytes(40u << 20);
    agent.set_restarts(2);
    agent.set_last_cause("over_memory");
    agent.set_last_end("41.2 of 40 MiB\nafter 3 h");
    report.set_memory_mode("cgroup v1");
    report.set_log_lines_dropped(12);
    const std::string text = status_text(report, now, Style{});
    EXPECT_THAT(text, HasSubstr("MEMORY          LAST ERROR\n"));
    EXPECT_THAT(text, HasSubstr("12.3 of 40 MiB  over memory: 41.2 of 40 MiB\\x0aafter 3 h\n"));
    EXPECT_THAT(text, HasSubstr("\nMemory limits: cgroup v1\n"));
    EXPECT_THAT(text, HasSubstr("12 log lines were lost"));
    EXPECT_THAT(status_text(report, now, Style{}, 80),
                HasSubstr("12.3 of 40 MiB  over memory: 41.2 of 40 …\n"));
}

TEST(Status, SaysACauseOnce) {
    WorkerStatus worker;
    EXPECT_EQ(last_error(worker), "");
    worker.set_last_cause("hung");
    EXPECT_EQ(last_error(worker), "hung");
    worker.set_last_end("hung: its loop did not turn for 6 s");
    EXPECT_EQ(last_error(worker), "hung: its loop did not turn for 6 s");
    worker.clear_last_cause();
    worker.set_last_end("killed by signal 9");
    EXPECT_EQ(last_error(worker), "killed by signal 9");
}

TEST(Status, OfOneWorkerIsItsObituary) {
    WorkerStatus worker = healthy_report().workers(1);
    worker.set_state(WorkerStatus::WAITING);
    worker.set_pid(0);
    worker.set_next_start_ms(now + 4000);
    worker.set_memory_bytes(0);
    worker.set_memory_soft_bytes(30u << 20);
    worker.set_memory_limit_bytes(40u << 20);
    worker.set_memory_peak_bytes(41u << 20);
    worker.set_restarts(4);
    worker.set_log_lines_suppressed(9);
    worker.set_last_cause("over_memory");
    worker.set_last_end("41.0 of 40 MiB after 3 h");
    auto& end = *worker.add_ends();
    end.set_cause("over_memory");
    end.set_count(3);
    worker.add_last_lines("reading a large file");
    worker.add_last_lines("and \x1b[2Janother");
    EXPECT_EQ(worker_text(worker, now, Style{}),
              "Worker agent\n"
              "  state               waiting; starts again in 4 s\n"
              "  restarts            4\n"
              "  memory              -\n"
              "  asked to shed at    30.0 MiB\n"
              "  most memory         41.0 MiB\n"
              "  log lines left out  9\n"
              "  ends so far         3 over memory\n"
              "  last failure        over memory: 41.0 of 40 MiB after 3 h\n"
              "\nWhat it said last before that:\n"
              "  reading a large file\n"
              "  and \\x1b[2Janother\n");
}

TEST(Status, TellsProgramsEverything) {
    StatusReport report = healthy_report();
    WorkerStatus& agent = *report.mutable_workers(1);
    agent.set_memory_soft_bytes(1);
    agent.set_memory_limit_bytes(2);
    agent.set_memory_peak_bytes(3);
    agent.set_descriptors(4);
    agent.set_log_lines_suppressed(5);
    agent.set_last_cause("hung");
    agent.add_last_lines("\xff bytes");
    auto& end = *agent.add_ends();
    end.set_cause("hung");
    end.set_count(6);
    report.set_memory_mode("cgroup v2");
    report.set_log_lines_dropped(7);
    report.set_descriptors(8);
    auto& layer = *report.add_layers();
    layer.set_name("users");
    layer.set_holds(true);
    layer.set_detail("64001 and up");
    const Result<Json> json = parse_json(status_json(report, now));
    ASSERT_TRUE(json);
    const Json& told = member(*json, "workers")[1];
    EXPECT_EQ(int_member(told, "memorySoftBytes"), 1);
    EXPECT_EQ(int_member(told, "memoryLimitBytes"), 2);
    EXPECT_EQ(int_member(told, "memoryPeakBytes"), 3);
    EXPECT_EQ(int_member(told, "descriptors"), 4);
    EXPECT_EQ(int_member(told, "logLinesSuppressed"), 5);
    EXPECT_EQ(text_member(told, "lastCause"), "hung");
    EXPECT_EQ(member(told, "lastLines").size(), 1u);
    EXPECT_EQ(int_member(member(told, "ends"), "hung"), 6);
    EXPECT_EQ(text_member(*json, "memoryMode"), "cgroup v2");
    EXPECT_EQ(int_member(*json, "logLinesDropped"), 7);
    EXPECT_EQ(int_member(*json, "descriptors"), 8);
    EXPECT_EQ(print_json(member(*json, "layers")),
              R"([{"name":"users","holds":true,"detail":"64001 and up"}])");
}

TEST(Status, HasTheKeysOfOpenClaw) {
    const Json gateway = *parse_json(
        R"({"heartbeat":{"defaultAgentId":"ops","agents":[]},"channelSummary":["Telegram: on"],
            "sessions":{"count":2,"byAgent":[{"agentId":"ops","path":"/p","count":2}]},
            "workers":"not those of the supervisor"})");
    const Json told = *parse_json(status_json(healthy_report(), now, gateway));
    EXPECT_EQ(int_member(member(told, "sessions"), "count"), 2);
    EXPECT_EQ(text_member(member(told, "heartbeat"), "defaultAgentId"), "ops");
    EXPECT_EQ(print_json(member(told, "channelSummary")), R"(["Telegram: on"])");
    EXPECT_EQ(print_json(member(told, "agents")),
              R"({"defaultId":"ops","agents":[{"id":"ops","sessionsPath":"/p","sessionsCount":2}],)"
              R"("totalSessions":2})");
    EXPECT_TRUE(member(told, "workers").is_array());
    const Json without = *parse_json(status_json(healthy_report(), now));
    for (const char* key : {"sessions", "heartbeat", "channelSummary", "agents"})
        EXPECT_TRUE(without.contains(key)) << key;
}

TEST(Status, TellsProgramsTheSame) {
    StatusReport report = healthy_report();
    report.mutable_workers(0)->set_state(WorkerStatus::HELD);
    const Result<Json> json = parse_json(status_json(report, now));
    ASSERT_TRUE(json);
    EXPECT_FALSE(bool_member(*json, "ok", true));
    EXPECT_TRUE(bool_member(*json, "running"));
    EXPECT_EQ(int_member(*json, "port"), 3000);
    EXPECT_EQ(int_member(*json, "uptimeMs"), now - started);
    EXPECT_EQ(text_member(member(*json, "workers")[0], "state"), "held");
    EXPECT_EQ(text_member(member(*json, "workers")[1], "state"), "ready");
}

TEST(Logs, ShowTheSameOfAnotherGateway) {
    const std::string line =
        R"({"0":"{\"subsystem\":\"gateway/ws\"}","1":"hello \u001b]0;x","_meta":{"logLevelName":)"
        R"("WARN"},"time":"2026-01-30T10:00:00.000Z"})";
    EXPECT_EQ(remote_log_line(line, "", false, Style{}),
              "2026-01-30T10:00:00.000Z [gateway/ws] hello \\x1b]0;x\n");
    EXPECT_EQ(text_member(*parse_json(remote_log_line(line, "gateway", true, Style{})), "level"),
              "warn");
    EXPECT_EQ(remote_log_line(line, "agent", false, Style{}), "");
    EXPECT_EQ(remote_log_line("no json", "", false, Style{}), "");
}

TEST(Logs, ShowTimeWorkerAndText) {
    LogLine line;
    line.set_sequence(7);
    line.set_worker("agent");
    line.set_time_ms(1'769'767'200'000);
    line.set_text("hello \x1b]0;x");
    EXPECT_EQ(log_text(line, Style{}), "2026-01-30T10:00:00.000Z [agent] hello \\x1b]0;x\n");
    EXPECT_EQ(log_json(line), R"({"type":"log","time":"2026-01-30T10:00:00.000Z","level":"info",)"
                              R"("subsystem":"agent","message":"hello \u001b]0;x",)"
                              R"("sequence":7,"worker":"agent","text":"hello \u001b]0;x"})"
                              "\n");
    line.set_text("warn: beware");
    const auto json = parse_json(log_json(line));
    EXPECT_EQ(text_member(*json, "level"), "warn");
    EXPECT_EQ(text_member(*json, "message"), "beware");
}

}  // namespace
}  // namespace cli
