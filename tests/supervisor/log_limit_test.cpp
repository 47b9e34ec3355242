#include "supervisor/log_limit.h"

#include <gtest/gtest.h>

namespace supervisor {
namespace {

int admitted(LogLimit& limit, int lines, int64_t now_ms) {
    int count = 0;
    for (int i = 0; i < lines; ++i) count += limit.admits(now_ms) ? 1 : 0;
    return count;
}

TEST(LogLimit, AllowsABurstAndThenSoManyPerSecond) {
    LogLimit limit;
    EXPECT_EQ(admitted(limit, 50'000, 1'000), 20'000);
    EXPECT_EQ(limit.suppressed(), 30'000u);
    EXPECT_EQ(admitted(limit, 50'000, 1'001), 1);
    EXPECT_EQ(admitted(limit, 50'000, 2'001), 1'000);
    EXPECT_EQ(admitted(limit, 50'000, 1'000'000'000), 20'000);
}

TEST(LogLimit, CountsParts) {
    LogLimit limit;
    limit.set(10);
    EXPECT_EQ(admitted(limit, 1'000, 0), 200);
    int count = 0;
    for (int64_t now = 1; now <= 10'000; ++now) count += admitted(limit, 2, now);
    EXPECT_EQ(count, 100);
}

TEST(LogLimit, CanBeTakenAway) {
    LogLimit limit;
    limit.set(UINT32_MAX);
    EXPECT_EQ(admitted(limit, 100'000, 0), 100'000);
    limit.set(0);
    EXPECT_EQ(limit.lines_per_second(), LineBudget::usual);
    EXPECT_EQ(admitted(limit, 100'000, 0), 20'000);
}

TEST(LogLimit, TellsOfAFloodThatGoesOnEveryFewSeconds) {
    LogLimit limit;
    limit.set(1);
    (void)admitted(limit, 25, 0);
    uint64_t told = 0;
    int times = 0;
    for (int64_t now = 100; now <= 20'000; now += 100) {
        (void)admitted(limit, 1, now);
        if (!limit.suppressed_are_due(now)) continue;
        told += limit.take_suppressed(now);
        ++times;
    }
    EXPECT_EQ(times, 3);
    told += limit.take_suppressed(20'000);
    EXPECT_EQ(told, limit.suppressed());
    EXPECT_TRUE(limit.is_settled());
}

TEST(LogLimit, TellsOfAFloodThatHasLetUp) {
    LogLimit limit;
    limit.set(1);
    (void)admitted(limit, 25, 0);
    EXPECT_FALSE(limit.suppressed_are_due(LogLimit::let_up_ms - 1));
    EXPECT_TRUE(limit.suppressed_are_due(LogLimit::let_up_ms));
    EXPECT_EQ(limit.take_suppressed(LogLimit::let_up_ms), 5u);
    EXPECT_FALSE(limit.suppressed_are_due(1'000'000));
}

TEST(LogLimit, CountsRepetitionsOfTheLastLineOnly) {
    LogLimit limit;
    const std::string_view one = "one";
    EXPECT_FALSE(limit.repeats(one, 0));
    limit.remember(&one);
    EXPECT_TRUE(limit.repeats(one, 10));
    EXPECT_TRUE(limit.repeats(one, 20));
    EXPECT_FALSE(limit.repeats("two", 20));
    EXPECT_FALSE(limit.repeats_are_due(10 + LogLimit::longest_silence_ms - 1));
    EXPECT_TRUE(limit.repeats_are_due(10 + LogLimit::longest_silence_ms));
    EXPECT_EQ(limit.take_repeats(), 2u);
    limit.remember(nullptr);
    EXPECT_FALSE(limit.repeats(one, 30));
}

}  // namespace
}  // namespace supervisor
