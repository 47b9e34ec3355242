#include "workers/telegram/pace.h"

#include <gtest/gtest.h>

namespace telegram {

namespace {

using std::chrono::milliseconds;

// Sends whenever it may; how long `count` messages take.
int64_t time_for(Pace& pace, const std::string& chat, bool is_group, int count, int64_t now) {
    const int64_t begin = now;
    for (int i = 0; i < count; ++i) {
        while (pace.wait(chat, is_group, now).count() > 0)
            now += pace.wait(chat, is_group, now).count();
        pace.sent(chat, now);
    }
    return now - begin;
}

}  // namespace

TEST(Pace, APersonGetsAFewAtOnceAndThenOneASecond) {
    Pace pace;
    EXPECT_EQ(time_for(pace, "1", false, 3, 1'000), 0);
    EXPECT_EQ(pace.wait("1", false, 1'000), milliseconds(3'150));
    EXPECT_EQ(time_for(pace, "2", false, 30, 1'000), 28'350);
}

TEST(Pace, AGroupGetsNoMoreThanTwentyAMinute) {
    Pace pace;
    EXPECT_EQ(time_for(pace, "-1", true, 20, 1'000), 19'950);
    EXPECT_EQ(time_for(pace, "-2", true, 21, 100'000), 60'500);
}

TEST(Pace, AllChatsTogetherGetThirtyASecond) {
    Pace pace;
    for (int i = 0; i < 30; ++i) {
        ASSERT_EQ(pace.wait(std::to_string(i), false, 1'000).count(), 0);
        pace.sent(std::to_string(i), 1'000);
    }
    EXPECT_EQ(pace.wait("99", false, 1'000), milliseconds(1'050));
    EXPECT_EQ(pace.wait("99", false, 2'050).count(), 0);
}

TEST(Pace, WhatIsNoMessageLeavesRoomForMessages) {
    Pace pace;
    for (size_t i = 0; i < Pace::most_calls_per_second; ++i) {
        ASSERT_EQ(pace.wait_for_call(1'000).count(), 0);
        pace.called(1'000);
    }
    EXPECT_EQ(pace.wait_for_call(1'000), milliseconds(1'050));
    EXPECT_EQ(pace.wait("1", false, 1'000).count(), 0);
    EXPECT_EQ(pace.wait_for_call(2'050).count(), 0);
}

TEST(Pace, WaitsAsLongAsItIsTold) {
    Pace pace;
    pace.refused("1", milliseconds(7'000), 1'000);
    EXPECT_EQ(pace.wait("1", false, 1'000), milliseconds(7'000));
    EXPECT_EQ(pace.wait("2", false, 1'000).count(), 0);
    pace.refused("2", milliseconds(5'000), 1'500);
    EXPECT_EQ(pace.wait("3", false, 1'500), milliseconds(5'000)) << "it means all, then";
    EXPECT_EQ(pace.wait("3", false, 6'500).count(), 0);
}

TEST(Pace, WhatIsNoMessageWaitsForItsChatToo) {
    Pace pace;
    pace.refused("1", milliseconds(2'000), 1'000);
    EXPECT_EQ(pace.wait_for_call(1'500, "1"), milliseconds(1'500));
    EXPECT_EQ(pace.wait_for_call(1'500, "2").count(), 0);
    EXPECT_EQ(pace.wait_for_call(1'500).count(), 0);
    EXPECT_EQ(pace.wait_for_call(3'000, "1").count(), 0);
}

}  // namespace telegram
