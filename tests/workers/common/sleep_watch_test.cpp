#include "workers/common/base/sleep_watch.h"

#include <gtest/gtest.h>

namespace {

constexpr ClockReadings start{100'000, 200'000, 1'700'000'000'000};

// The readings one second later, with something added to each.
ClockReadings later(int64_t monotonic, int64_t boottime, int64_t wall) {
    return {start.monotonic_ms + 1'000 + monotonic, start.boottime_ms + 1'000 + boottime,
            start.wall_ms + 1'000 + wall};
}

TEST(SleepWatch, SeesTheWaysAMachineComesBack) {
    EXPECT_FALSE(SleepWatch(start).has_slept(later(0, 0, 0)));
    EXPECT_TRUE(SleepWatch(start).has_slept(later(0, 60'000, 60'000))) << "suspend to memory";
    EXPECT_TRUE(SleepWatch(start).has_slept(later(60'000, 60'000, 60'000))) << "frozen by its host";
    EXPECT_TRUE(SleepWatch(start).has_slept(later(0, 0, 60'000))) << "its clock was set afterwards";
}

TEST(SleepWatch, IsNotDeceivedBySmallStepsOrAClockSetBack) {
    EXPECT_FALSE(SleepWatch(start).has_slept(later(2'000, 2'000, 2'000))) << "a busy second";
    EXPECT_FALSE(SleepWatch(start).has_slept(later(0, 200, 800)));
    EXPECT_FALSE(SleepWatch(start).has_slept(later(0, 0, -3'600'000)));
}

TEST(SleepWatch, TellsEachSleepOnce) {
    SleepWatch watch(start);
    ClockReadings now = later(0, 60'000, 60'000);
    EXPECT_TRUE(watch.has_slept(now));
    now.monotonic_ms += 1'000;
    now.boottime_ms += 1'000;
    now.wall_ms += 1'000;
    EXPECT_FALSE(watch.has_slept(now));
}

}  // namespace
