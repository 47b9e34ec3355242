#include "supervisor/obituary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "workers/common/base/exit_codes.h"

namespace supervisor {
namespace {

using testing::HasSubstr;

ProcessEnd by_signal(int number) {
    ProcessEnd end;
    end.signal = number;
    return end;
}
ProcessEnd by_exit(int code) {
    ProcessEnd end;
    end.code = code;
    return end;
}

TEST(Obituary, NamesMemoryWithWhatWasUsedAndAllowed) {
    Life life;
    life.lasted_ms = 3 * 3'600'000 * 4;
    life.budget = {32u << 20, 40u << 20};
    life.memory_peak = (41u << 20) + (1u << 18);
    life.killed_in_its_group = true;
    const Ended how = classify(by_signal(SIGKILL), life);
    EXPECT_EQ(how, Ended::out_of_memory);
    EXPECT_EQ(name_of(how), "oom");
    EXPECT_EQ(describe_end(by_signal(SIGKILL), how, life),
              "out of memory: 41.2 of 40.0 MiB, after 12 h");
}

TEST(Obituary, TellsItsOwnLimitFromTheMachineAndFromAnOutsider) {
    Life life;
    EXPECT_EQ(classify(by_signal(SIGKILL), life), Ended::killed);
    life.killed_on_machine = true;
    EXPECT_EQ(classify(by_signal(SIGKILL), life), Ended::machine_out_of_memory);
    EXPECT_EQ(classify(by_signal(SIGSEGV), life), Ended::crashed);
}

TEST(Obituary, TakesAWorkerAtItsWord) {
    EXPECT_EQ(classify(by_exit(exit_code::bad_config), {}), Ended::bad_config);
    EXPECT_EQ(classify(by_exit(exit_code::bad_credentials), {}), Ended::bad_credentials);
    EXPECT_EQ(classify(by_exit(exit_code::taken), {}), Ended::taken);
    EXPECT_EQ(classify(by_exit(exit_code::out_of_memory), {}), Ended::out_of_memory);
    EXPECT_EQ(classify(by_exit(exit_code::of(Fault::no_storage)), {}), Ended::no_storage);
    EXPECT_EQ(classify(by_exit(0), {}), Ended::unasked_success);
    EXPECT_EQ(classify(by_exit(3), {}), Ended::crashed);
}

TEST(Obituary, BlamesNobodyForAnEndThatWasAskedFor) {
    Life life;
    life.was_asked_to_end = true;
    EXPECT_EQ(classify(by_signal(SIGKILL), life), Ended::on_request);
    life.forced = Ended::drained;
    EXPECT_EQ(classify(by_exit(0), life), Ended::on_request);
}

TEST(Obituary, CallsABugABugAlsoInTheMiddleOfAStop) {
    Life life;
    life.was_asked_to_end = true;
    EXPECT_EQ(classify(by_signal(SIGSEGV), life), Ended::crashed);
    life.forced = Ended::hung;  // then it was we who sent it
    EXPECT_EQ(classify(by_signal(SIGABRT), life), Ended::on_request);
    life.killed_in_its_group = true;
    EXPECT_EQ(classify(by_signal(SIGKILL), life), Ended::out_of_memory);
}

TEST(Obituary, QuotesTheWorkersOwnLastWords) {
    Life life;
    life.declared = "the token was refused";
    life.lasted_ms = 40;
    EXPECT_EQ(describe_end(by_exit(77), Ended::bad_credentials, life),
              "exit code 77: the token was refused, after 40 ms");
}

TEST(Obituary, HasANameOfItsOwnForEachWayToEnd) {
    std::set<std::string_view> names;
    for (int how = 0; how < static_cast<int>(Ended::any); ++how)
        names.insert(name_of(static_cast<Ended>(how)));
    EXPECT_EQ(names.size(), static_cast<size_t>(Ended::any));
}

}  // namespace
}  // namespace supervisor
