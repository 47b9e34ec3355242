#include "workers/cli/commands/status.h"

#include <gmock/gmock.h>

#include "tests/workers/cli/doubles.h"
#include "workers/cli/commands/logs.h"
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

TEST(Logs, ShowTimeWorkerAndText) {
    LogLine line;
    line.set_sequence(7);
    line.set_worker("agent");
    line.set_time_ms(1'769'767'200'000);
    line.set_text("hello \x1b]0;x");
    EXPECT_EQ(log_text(line, Style{}), "2026-01-30T10:00:00.000Z [agent] hello \\x1b]0;x\n");
    EXPECT_EQ(log_json(line), R"({"sequence":7,"time":"2026-01-30T10:00:00.000Z",)"
                              R"("worker":"agent","text":"hello \u001b]0;x"})"
                              "\n");
}

}  // namespace
}  // namespace cli
