// The owner's shared secret, and how often a stranger may guess at it.
//
// The secret itself is not kept, only its digest; digests are compared in constant time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "workers/common/base/secret.h"

namespace gateway {

enum class AuthMode { token, password };

class SharedAuth {
  public:
    SharedAuth(AuthMode mode, const Secret& token, const Secret& password);

    AuthMode mode() const { return mode_; }
    // Whether the secret that the mode asks for is known at all.
    bool configured() const { return configured_; }
    // A token that nobody can guess, however often he tries: there is no need to stop listening
    // to the right one while others fail. Never true of a password.
    bool is_beyond_guessing() const { return beyond_guessing_; }
    bool accepts(const Secret& token, const Secret& password) const;
    // Why not: "token_missing", "token_mismatch", "password_missing", "password_mismatch".
    std::string_view reason(const Secret& token, const Secret& password) const;

  private:
    const Secret& offered(const Secret& token, const Secret& password) const;

    AuthMode mode_;
    bool configured_;
    bool beyond_guessing_ = false;
    std::array<unsigned char, 32> digest_{};
};

// Equal, in time that depends on neither content nor length of the expected one.
bool same_secret(std::string_view one, std::string_view other);

// Failed attempts per source, and over all addresses: a bucket that fills with failures and
// drains with time. Success costs nothing and clears nothing. A source is an address, or a paired
// device that has proved itself: that one answers for its own failures only.
class AttemptLimiter {
  public:
    struct Budget {
        double failures;  // in a burst
        double drained_per_second;
    };
    static constexpr Budget per_source{20, 0.5};
    static constexpr Budget overall{300, 5};
    static constexpr size_t most_sources = 4096;

    // 0: go on. Else how long to wait.
    int64_t wait_ms(const std::string& source, int64_t now_ms);
    void failed(const std::string& source, int64_t now_ms);
    static std::string source_of_device(const std::string& device_id);

  private:
    struct Bucket {
        double level = 0;
        int64_t at = 0;
    };
    static void drain(Bucket& bucket, const Budget& budget, int64_t now_ms);
    static int64_t wait_of(const Bucket& bucket, const Budget& budget);
    void forget_drained(int64_t now_ms);

    Bucket all_;
    std::unordered_map<std::string, Bucket> sources_;
};

}  // namespace gateway
