#include "workers/gateway/credentials.h"

#include <sodium.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace gateway {

namespace {

using Digest = std::array<unsigned char, 32>;

Digest digest_of(std::string_view text) {
    Digest digest;
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()),
                       text.size());
    return digest;
}

bool same_digest(const Digest& one, const Digest& other) {
    return sodium_memcmp(one.data(), other.data(), one.size()) == 0;
}

constexpr std::string_view device_prefix = "device:";

bool is_device(const std::string& source) {
    return source.compare(0, device_prefix.size(), device_prefix) == 0;
}

// At most that many bits, if every letter were drawn from those that occur.
double most_bits(const std::string& text) {
    const std::set<char> letters(text.begin(), text.end());
    return static_cast<double>(text.size()) * std::log2(static_cast<double>(letters.size()));
}

// A word list does not hold it, and a year of attempts does not reach it.
constexpr double bits_beyond_guessing = 96;

}  // namespace

bool same_secret(std::string_view one, std::string_view other) {
    return same_digest(digest_of(one), digest_of(other));
}

SharedAuth::SharedAuth(AuthMode mode, const Secret& token, const Secret& password) : mode_(mode) {
    const Secret& expected = mode == AuthMode::token ? token : password;
    configured_ = !expected.empty();
    if (!configured_) return;
    digest_ = digest_of(expected.reveal());
    beyond_guessing_ =
        mode == AuthMode::token && most_bits(expected.reveal()) >= bits_beyond_guessing;
}

const Secret& SharedAuth::offered(const Secret& token, const Secret& password) const {
    return mode_ == AuthMode::token ? token : password;
}

bool SharedAuth::accepts(const Secret& token, const Secret& password) const {
    const Secret& given = offered(token, password);
    return configured_ && !given.empty() && same_digest(digest_of(given.reveal()), digest_);
}

std::string_view SharedAuth::reason(const Secret& token, const Secret& password) const {
    const bool missing = offered(token, password).empty();
    if (mode_ == AuthMode::token) return missing ? "token_missing" : "token_mismatch";
    return missing ? "password_missing" : "password_mismatch";
}

void AttemptLimiter::drain(Bucket& bucket, const Budget& budget, int64_t now_ms) {
    const double seconds = static_cast<double>(std::max<int64_t>(0, now_ms - bucket.at)) / 1000;
    bucket.level = std::max(0.0, bucket.level - seconds * budget.drained_per_second);
    bucket.at = now_ms;
}

int64_t AttemptLimiter::wait_of(const Bucket& bucket, const Budget& budget) {
    const double over = bucket.level + 1 - budget.failures;
    return over <= 0 ? 0 : static_cast<int64_t>(std::ceil(over / budget.drained_per_second * 1000));
}

std::string AttemptLimiter::source_of_device(const std::string& device_id) {
    return std::string(device_prefix) + device_id;
}

int64_t AttemptLimiter::wait_ms(const std::string& source, int64_t now_ms) {
    int64_t wait = 0;
    if (!is_device(source)) {
        drain(all_, overall, now_ms);
        wait = wait_of(all_, overall);
    }
    const auto found = sources_.find(source);
    if (found == sources_.end()) return wait;
    drain(found->second, per_source, now_ms);
    return std::max(wait, wait_of(found->second, per_source));
}

void AttemptLimiter::failed(const std::string& source, int64_t now_ms) {
    if (sources_.size() >= most_sources) forget_drained(now_ms);
    if (!is_device(source)) {
        drain(all_, overall, now_ms);
        all_.level += 1;
        // With the table full of addresses that all failed lately, the overall budget must do.
        if (sources_.size() >= most_sources && !sources_.count(source)) return;
    }
    Bucket& bucket = sources_[source];
    drain(bucket, per_source, now_ms);
    bucket.level += 1;
}

void AttemptLimiter::forget_drained(int64_t now_ms) {
    for (auto entry = sources_.begin(); entry != sources_.end();) {
        drain(entry->second, per_source, now_ms);
        entry = entry->second.level <= 0 ? sources_.erase(entry) : std::next(entry);
    }
}

}  // namespace gateway
