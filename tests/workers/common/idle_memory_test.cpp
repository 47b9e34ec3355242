#include "workers/common/base/idle_memory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace {

// How often it is time in so many seconds without a page fault.
int times(IdleWatch& watch, long faults, int seconds) {
    int count = 0;
    for (int second = 0; second < seconds; ++second) count += watch.is_time(faults);
    return count;
}

TEST(IdleWatch, WaitsUntilWorkIsOver) {
    IdleWatch watch;
    for (long faults = 100; faults < 2'000; faults += 20) EXPECT_FALSE(watch.is_time(faults));
    EXPECT_EQ(times(watch, 2'000, 1), 0);
    EXPECT_EQ(times(watch, 2'000, 1), 1);
}

TEST(IdleWatch, DoesNotTakeWhatWaitingNeedsForWork) {
    IdleWatch watch;
    EXPECT_EQ(times(watch, 500, 2), 1);
    EXPECT_EQ(times(watch, 560, 10), 0) << "mapped again";
    EXPECT_EQ(times(watch, 560 + IdleWatch::worth_it, 2), 1) << "work";
    EXPECT_EQ(times(watch, 1'000, 2), 1) << "work, and no quiet second before it";
    EXPECT_EQ(times(watch, 1'060, 10), 0);
}

TEST(IdleWatch, ComesBackToWorkInTheSecondAfter) {
    IdleWatch watch;
    EXPECT_EQ(times(watch, 500, 2), 1);
    EXPECT_EQ(times(watch, 900, IdleWatch::longest_s - 1), 0);
    EXPECT_EQ(times(watch, 900, 1), 1);
    EXPECT_EQ(times(watch, 960, 100), 0) << "what waiting needs";
}

TEST(IdleWatch, ComesBackAfterLongWorkThatBeganInTheSecondAfter) {
    IdleWatch watch;
    EXPECT_EQ(times(watch, 500, 2), 1);
    for (int second = 1; second <= 10; ++second)
        EXPECT_FALSE(watch.is_time(500 + second * 40)) << "at work";
    EXPECT_EQ(times(watch, 900, 1), 1) << "the first quiet second";
    EXPECT_EQ(times(watch, 960, 10), 0) << "what waiting needs";
}

TEST(IdleWatch, LeavesAloneWhoOnlyWaits) {
    IdleWatch watch;
    EXPECT_EQ(times(watch, 500, 2), 1);
    EXPECT_EQ(times(watch, 560, IdleWatch::longest_s), 1) << "measured twice";
    // Waiting does not need the same each time.
    EXPECT_EQ(times(watch, 625, 1'000), 0);
    EXPECT_EQ(times(watch, 626, 1), 0);
    EXPECT_EQ(times(watch, 626, 1), 1) << "something was mapped";
    EXPECT_EQ(times(watch, 690, 1'000), 0);
    EXPECT_EQ(times(watch, 690 + IdleWatch::worth_it, 2), 1) << "work";
}

long own_kib(const std::string& key) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.rfind(key, 0) == 0) return std::atol(line.c_str() + key.size());
    return -1;
}

TEST(IdleMemory, LetsGoOfCodeAndKeepsWhatWasWritten) {
    static int written = 0;
    const std::string text(100'000, 'x');
    written = 42;
    const long before = own_kib("RssFile:");
    const long faults = page_faults();
    release_idle_memory();
    EXPECT_EQ(written, 42);
    EXPECT_EQ(text, std::string(100'000, 'x'));
#if !defined(__SANITIZE_ADDRESS__)
    EXPECT_LT(own_kib("RssFile:"), before);
    EXPECT_GT(page_faults(), faults);
#else
    EXPECT_GT(before, 0);
    EXPECT_GE(page_faults(), faults);
#endif
}

}  // namespace
