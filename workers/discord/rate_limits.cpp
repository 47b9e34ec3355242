#include "workers/discord/rate_limits.h"

#include <algorithm>

namespace discord {

namespace {

constexpr int64_t second_ms = 1'000;
constexpr int64_t look_again_ms = 20;
constexpr size_t most_buckets = 2'000;
constexpr size_t most_routes = 500;

}  // namespace

std::string RateLimits::bucket_of(const std::string& route, const std::string& major) const {
    const auto known = hashes_.find(route);
    return (known == hashes_.end() ? route : known->second) + " " + major;
}

int64_t RateLimits::wait_ms(const std::string& bucket, bool counts_globally, int64_t now_ms) const {
    int64_t until = now_ms;
    const auto found = buckets_.find(bucket);
    if (found != buckets_.end() && found->second.remaining <= found->second.under_way)
        until = std::max(until, found->second.resets_ms);
    if (counts_globally)
        until = std::max({until, global_until_ms_, now_ms + wait_for_all_ms(now_ms)});
    if (refused_.size() >= most_refusals)
        until = std::max(until, refused_[refused_.size() - most_refusals] + refusal_window_ms);
    return until - now_ms;
}

int64_t RateLimits::wait_for_all_ms(int64_t now_ms) const {
    // When one of them ends nobody knows.
    if (under_way_ >= global_per_second) return look_again_ms;
    const size_t room = global_per_second - under_way_;
    if (ended_.size() < room) return 0;
    return std::max<int64_t>(0, ended_[ended_.size() - room] + second_ms - now_ms);
}

void RateLimits::sent(const std::string& bucket, bool counts_globally) {
    const auto found = buckets_.find(bucket);
    if (found != buckets_.end()) ++found->second.under_way;
    if (counts_globally) ++under_way_;
}

void RateLimits::leave(const std::string& bucket) {
    const auto found = buckets_.find(bucket);
    if (found != buckets_.end() && found->second.under_way > 0) --found->second.under_way;
}

void RateLimits::unanswered(const std::string& bucket, bool may_have_arrived) {
    leave(bucket);
    const auto found = buckets_.find(bucket);
    if (may_have_arrived && found != buckets_.end() && found->second.remaining > 0)
        --found->second.remaining;
}

void RateLimits::ended(bool counts_globally, int64_t now_ms) {
    if (!counts_globally) return;
    if (under_way_ > 0) --under_way_;
    ended_.push_back(now_ms);
    while (ended_.size() > global_per_second) ended_.pop_front();
}

void RateLimits::answered(const std::string& bucket, const std::string& route,
                          const std::string& major, int status, const RateHeaders& headers,
                          int64_t now_ms) {
    leave(bucket);
    // A shared limit is somebody else's doing and is not counted.
    const bool counts =
        status == 401 || status == 403 || (status == 429 && headers.scope != "shared");
    if (counts) refused_.push_back(now_ms);
    while (refused_.size() > most_refusals) refused_.pop_front();
    if (!headers.bucket.empty()) {
        if (hashes_.size() >= most_routes) hashes_.clear();
        hashes_[route] = headers.bucket;
    }
    if (headers.remaining < 0) return;
    Bucket& told = buckets_[bucket_of(route, major)];
    told.remaining = headers.remaining;
    told.resets_ms = now_ms + headers.reset_after_ms;
    tidy(now_ms);
}

void RateLimits::limited(const std::string& bucket, int64_t retry_after_ms, bool is_global,
                         int64_t now_ms) {
    if (is_global) {
        global_until_ms_ = std::max(global_until_ms_, now_ms + retry_after_ms);
        return;
    }
    Bucket& spent = buckets_[bucket];
    spent.remaining = 0;
    spent.resets_ms = now_ms + retry_after_ms;
}

size_t RateLimits::refusals(int64_t now_ms) const {
    return static_cast<size_t>(std::count_if(refused_.begin(), refused_.end(), [&](int64_t at) {
        return at > now_ms - refusal_window_ms;
    }));
}

// What has reset says nothing any more.
void RateLimits::tidy(int64_t now_ms) {
    if (buckets_.size() < most_buckets) return;
    std::erase_if(buckets_, [&](const auto& entry) {
        return entry.second.resets_ms <= now_ms && entry.second.under_way == 0;
    });
}

}  // namespace discord
