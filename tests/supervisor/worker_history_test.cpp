#include "supervisor/worker_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace supervisor {
namespace {

using testing::HasSubstr;
using testing::Not;

hardshell::proto::WorkerStatus told_by(const WorkerHistory& history) {
    hardshell::proto::WorkerStatus status;
    history.describe(status);
    return status;
}

std::vector<std::string> backtrace(int frames) {
    std::vector<std::string> lines = {"working", "crashed: SIGSEGV at address 0x10"};
    for (int i = 0; i < frames; ++i) lines.push_back("  #" + std::to_string(i) + " frame");
    return lines;
}

TEST(WorkerHistory, QuotesTheLastLines) {
    WorkerHistory history;
    history.add(Ended::killed, "killed", {"one", "two", "three", "four"});
    EXPECT_EQ(history.last_words(), R"(killed; it last said: "two" | "three" | "four")");
}

TEST(WorkerHistory, QuotesACrashFromItsHeaderOn) {
    for (const int frames : {1, 5, 48}) {
        WorkerHistory history;
        history.add(Ended::crashed, "crashed", backtrace(frames));
        EXPECT_THAT(history.last_words(), HasSubstr("crashed: SIGSEGV at address 0x10")) << frames;
        EXPECT_THAT(history.last_words(), HasSubstr("#0 frame")) << frames;
        EXPECT_EQ(told_by(history).last_lines(0), "working");
        EXPECT_LE(told_by(history).last_lines_size(), 20);
    }
    WorkerHistory history;
    history.add(Ended::crashed, "crashed", backtrace(9));
    EXPECT_THAT(history.last_words(), HasSubstr("#1 frame"));
    EXPECT_THAT(history.last_words(), Not(HasSubstr("#8 frame")));
}

TEST(WorkerHistory, KeepsTheLastFailureWhenItEndsOnRequest) {
    WorkerHistory history;
    history.add(Ended::on_request, "ended on request", {"bye"});
    EXPECT_EQ(told_by(history).last_end(), "");
    history.add(Ended::hung, "stopped responding", {"busy"});
    history.add(Ended::on_request, "ended on request", {"bye"});
    EXPECT_EQ(told_by(history).last_end(), "stopped responding");
    EXPECT_EQ(told_by(history).last_cause(), "hung");
    EXPECT_EQ(told_by(history).last_lines(0), "busy");
    EXPECT_EQ(told_by(history).restarts(), 1u);
    EXPECT_EQ(told_by(history).ends_size(), 2);
}

TEST(WorkerHistory, TellsItsLastEndsOneByOne) {
    WorkerHistory history;
    for (int64_t at = 1; at <= 10; ++at)
        history.add(Ended::killed, "killed by signal 9, after " + std::to_string(at) + " ms", {},
                    at);
    history.add(Ended::on_request, "ended on request", {}, 11);
    const auto told = told_by(history);
    ASSERT_EQ(told.deaths_size(), static_cast<int>(WorkerHistory::most_deaths));
    EXPECT_EQ(told.deaths(0).at_ms(), 4);
    EXPECT_EQ(told.deaths(0).cause(), "killed");
    EXPECT_EQ(told.deaths(7).at_ms(), 11);
    EXPECT_EQ(told.deaths(7).what(), "ended on request");
    EXPECT_EQ(told.restarts(), 10u);
}

}  // namespace
}  // namespace supervisor
