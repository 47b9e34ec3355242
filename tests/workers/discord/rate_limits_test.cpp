#include "workers/discord/rate_limits.h"

#include <gtest/gtest.h>

namespace discord {
namespace {

constexpr int64_t now = 1'000'000;
const std::string route = "POST /channels/{channel}/messages";

RateHeaders told(int64_t remaining, int64_t reset_after_ms, const std::string& bucket = "hash") {
    RateHeaders headers;
    headers.bucket = bucket;
    headers.remaining = remaining;
    headers.reset_after_ms = reset_after_ms;
    return headers;
}

TEST(RateLimits, WaitsWhenABucketIsEmpty) {
    RateLimits limits;
    const std::string before = limits.bucket_of(route, "1");
    EXPECT_EQ(limits.wait_ms(before, true, now), 0);
    limits.answered(before, route, "1", 200, told(0, 700), now);
    const std::string bucket = limits.bucket_of(route, "1");
    EXPECT_EQ(bucket, "hash 1");
    EXPECT_EQ(limits.wait_ms(bucket, true, now), 700);
    EXPECT_EQ(limits.wait_ms(bucket, true, now + 700), 0);
    // Another channel has its own.
    EXPECT_EQ(limits.wait_ms(limits.bucket_of(route, "2"), true, now), 0);
}

TEST(RateLimits, LetsRoutesOfOneBucketWaitTogether) {
    RateLimits limits;
    const std::string other = "PATCH /channels/{channel}/messages/{message}";
    limits.answered("", other, "1", 200, told(3, 700), now);
    limits.answered("", route, "1", 200, told(0, 700), now);
    EXPECT_EQ(limits.wait_ms(limits.bucket_of(other, "1"), true, now), 700);
}

TEST(RateLimits, CountsWhatIsUnderWay) {
    RateLimits limits;
    limits.answered("", route, "1", 200, told(2, 700), now);
    const std::string bucket = limits.bucket_of(route, "1");
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(limits.wait_ms(bucket, true, now), 0);
        limits.sent(bucket, true);
    }
    EXPECT_EQ(limits.wait_ms(bucket, true, now), 700);
    // Whether the first answer knows of the second request is not told: the worse is taken.
    limits.answered(bucket, route, "1", 200, told(1, 700), now);
    EXPECT_EQ(limits.wait_ms(bucket, true, now), 700);
    limits.answered(bucket, route, "1", 200, told(1, 700), now);
    EXPECT_EQ(limits.wait_ms(bucket, true, now), 0);
    limits.sent(bucket, true);
    limits.unanswered(bucket, false);
    EXPECT_EQ(limits.wait_ms(bucket, true, now), 0);
    limits.sent(bucket, true);
    limits.unanswered(bucket, true);
    EXPECT_EQ(limits.wait_ms(bucket, true, now), 700) << "it may have taken the last place";
}

TEST(RateLimits, StopsEverythingAtTheGlobalLimit) {
    RateLimits limits;
    limits.limited(limits.bucket_of(route, "1"), 2'000, true, now);
    EXPECT_EQ(limits.wait_ms(limits.bucket_of("GET /x", ""), true, now), 2'000);
    EXPECT_EQ(limits.wait_ms("interaction", false, now), 0);
}

TEST(RateLimits, StaysBelowFiftyInASecond) {
    RateLimits limits;
    for (size_t i = 0; i < RateLimits::global_per_second; ++i) {
        EXPECT_EQ(limits.wait_ms("x", true, now + static_cast<int64_t>(i)), 0) << i;
        limits.sent("x", true);
        limits.ended(true, now + static_cast<int64_t>(i));
    }
    EXPECT_EQ(limits.wait_ms("x", true, now + 50), 950);
    EXPECT_EQ(limits.wait_ms("x", false, now + 50), 0);
    EXPECT_EQ(limits.wait_ms("x", true, now + 1'000), 0);
}

// Those that waited for a connection arrive long after they were sent.
TEST(RateLimits, CountsForASecondFromItsEndWhatWasUnderWay) {
    RateLimits limits;
    for (size_t i = 0; i < RateLimits::global_per_second; ++i) limits.sent("x", true);
    EXPECT_GT(limits.wait_ms("x", true, now + 5'000), 0);
    limits.ended(true, now + 5'000);
    EXPECT_EQ(limits.wait_ms("x", true, now + 5'001), 999);
    EXPECT_EQ(limits.wait_ms("x", true, now + 6'000), 0);
}

TEST(RateLimits, StopsLongBeforeTheAddressIsShutOut) {
    RateLimits limits;
    for (size_t i = 0; i < RateLimits::most_refusals; ++i)
        limits.answered("", "GET /x", "", 403, {}, now);
    EXPECT_EQ(limits.wait_ms("x", true, now + 1), RateLimits::refusal_window_ms - 1);
    EXPECT_EQ(limits.wait_ms("x", true, now + RateLimits::refusal_window_ms), 0);
}

TEST(RateLimits, DoesNotCountWhatOthersUsedUp) {
    RateLimits limits;
    RateHeaders shared;
    shared.scope = "shared";
    limits.answered("", "GET /x", "", 429, shared, now);
    EXPECT_EQ(limits.refusals(now), 0u);
    limits.answered("", "GET /x", "", 429, {}, now);
    EXPECT_EQ(limits.refusals(now), 1u);
}

TEST(RateLimits, ForgetsBucketsThatSayNothingAnyMore) {
    RateLimits limits;
    for (int i = 0; i < 10'000; ++i)
        limits.answered("", route, std::to_string(i), 200, told(4, 1), now + i * 10);
    EXPECT_LT(limits.size(), 2'001u);
}

}  // namespace
}  // namespace discord
