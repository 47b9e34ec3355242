// When a request may be sent, as Discord's headers have it. Pure: takes the time as an argument.
//
// A route is known by its key ("POST /channels/{c}/messages 123"); Discord tells with the first
// answer which bucket it belongs to. Requests that are under way count as if their answers had
// come, so that those who share a bucket do not spend the same remainder twice.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace discord {

struct RateHeaders {
    std::string bucket;
    int64_t remaining = -1;  // -1: not told
    int64_t reset_after_ms = 0;
    bool is_global = false;
    std::string scope;  // "user", "global", "shared"
};

class RateLimits {
  public:
    // Of fifty. A request arrives some time before its answer: so one that is under way counts, and
    // for a second after its end. Whenever they arrived, no second has seen more.
    static constexpr size_t global_per_second = 45;
    // Beyond 10,000 in ten minutes the address is shut out; long before it, nothing is sent.
    static constexpr size_t most_refusals = 5'000;
    static constexpr int64_t refusal_window_ms = 600'000;

    // The bucket a route is in, or the route itself as long as nobody knows.
    std::string bucket_of(const std::string& route, const std::string& major) const;
    // 0: now. Routes that are not limited globally only wait for their bucket.
    int64_t wait_ms(const std::string& bucket, bool counts_globally, int64_t now_ms) const;
    void sent(const std::string& bucket, bool counts_globally);
    // `bucket` as it was when the request was sent.
    void answered(const std::string& bucket, const std::string& route, const std::string& major,
                  int status, const RateHeaders& headers, int64_t now_ms);
    // No answer came: what may have arrived counts.
    void unanswered(const std::string& bucket, bool may_have_arrived);
    // In either case.
    void ended(bool counts_globally, int64_t now_ms);
    // An answer with 429.
    void limited(const std::string& bucket, int64_t retry_after_ms, bool is_global, int64_t now_ms);
    size_t refusals(int64_t now_ms) const;
    size_t size() const { return buckets_.size(); }

  private:
    struct Bucket {
        int64_t remaining = 1;
        int64_t resets_ms = 0;
        int64_t under_way = 0;
    };
    void leave(const std::string& bucket);
    int64_t wait_for_all_ms(int64_t now_ms) const;
    void tidy(int64_t now_ms);

    std::map<std::string, std::string> hashes_;  // by route without its major parameter
    std::map<std::string, Bucket> buckets_;
    size_t under_way_ = 0;       // of those that count globally
    std::deque<int64_t> ended_;  // likewise; as many as matter
    std::deque<int64_t> refused_;
    int64_t global_until_ms_ = 0;
};

}  // namespace discord
