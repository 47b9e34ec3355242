#include "supervisor/restart_policy.h"

#include <gtest/gtest.h>

namespace supervisor {
namespace {

using namespace std::chrono_literals;
constexpr double middle = 0.5;

TEST(RestartPolicy, StartsAWorkerThatServedAgainAtOnceAfterItsFirstCrash) {
    const Verdict verdict = after(Ended::crashed, 1, true, middle);
    EXPECT_EQ(verdict.then, Then::restart);
    EXPECT_EQ(verdict.wait, 0ms);
}

TEST(RestartPolicy, WaitsBeforeRestartingAWorkerThatNeverServed) {
    EXPECT_EQ(after(Ended::crashed, 1, false, middle).wait, 200ms);
}

TEST(RestartPolicy, DoublesTheWaitUpToAMinute) {
    std::chrono::milliseconds before = 200ms;
    for (int failures = 2; failures <= 9; ++failures) {
        const auto wait = after(Ended::crashed, failures, true, middle).wait;
        EXPECT_EQ(wait, before * 2) << failures;
        before = wait;
    }
    EXPECT_EQ(after(Ended::killed, 100, true, middle).wait, 0s) << "not its fault";
    EXPECT_EQ(after(Ended::killed, 100, false, middle).wait, 60s) << "it may never serve";
    EXPECT_EQ(after(Ended::crashed, 10, true, middle).wait, 60s);
    EXPECT_EQ(after(Ended::crashed, 1'000, true, middle).wait, 60s);
}

TEST(RestartPolicy, SpreadsTheWaitByAFifthEitherWay) {
    EXPECT_EQ(after(Ended::crashed, 10, true, 0.0).wait, 48s);
    EXPECT_EQ(after(Ended::crashed, 10, true, 1.0).wait, 72s);
}

TEST(RestartPolicy, HoldsAWorkerWhoseTokenWasRefused) {
    EXPECT_EQ(after(Ended::bad_credentials, 1, true, middle).then, Then::hold);
}

TEST(RestartPolicy, HoldsAWorkerWhoseConfigurationIsBad) {
    EXPECT_EQ(after(Ended::bad_config, 1, false, middle).then, Then::hold);
}

TEST(RestartPolicy, LeavesAWorkerDownThatWasAskedToStop) {
    EXPECT_EQ(after(Ended::on_request, 0, true, middle).then, Then::stay_down);
}

TEST(RestartPolicy, TreatsUnaskedSuccessAsACrash) {
    EXPECT_EQ(after(Ended::unasked_success, 3, true, middle).then, Then::restart);
    EXPECT_EQ(after(Ended::unasked_success, 3, true, middle).wait, 800ms);
}

TEST(RestartPolicy, StartsAtMostEightTimesInTwentySecondsWhenAWorkerCrashesAtOnce) {
    std::chrono::milliseconds clock = 0ms;
    int starts = 0;
    while (clock < 20s) {
        ++starts;
        clock += after(Ended::crashed, starts, false, 0.0).wait;
    }
    EXPECT_LE(starts, 8);
}

}  // namespace
}  // namespace supervisor
