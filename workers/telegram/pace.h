// How fast messages may be sent: Telegram's limits per chat and for all, and what it told to wait.
// Pure: the time comes in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace telegram {

class Pace {
  public:
    using Duration = std::chrono::milliseconds;

    // How long until a message to that chat may be sent; 0: now.
    Duration wait(const std::string& chat, bool is_group, int64_t now_ms);
    // A message to it is being sent.
    void sent(const std::string& chat, int64_t now_ms);
    // Likewise for what is no message, and may wait longer than one; of no chat when it is empty.
    Duration wait_for_call(int64_t now_ms, const std::string& chat = {});
    void called(int64_t now_ms) { all_.push_back(now_ms); }
    // Telegram refused: nothing to that chat so long. Twice within a second in different chats:
    // nothing to any.
    void refused(const std::string& chat, Duration retry_after, int64_t now_ms);

    static constexpr size_t most_per_second = 30;        // in all
    static constexpr size_t most_calls_per_second = 20;  // before one of them has to wait
    static constexpr size_t most_per_minute_group = 20;  // in one group
    static constexpr size_t burst_private = 3;           // then one a second
    // A little longer than they are: what leaves a second apart may arrive closer together.
    static constexpr int64_t second_ms = 1'050;
    static constexpr int64_t minute_ms = 60'500;

  private:
    struct Chat {
        std::deque<int64_t> sent;  // of the last minute
        int64_t blocked_until = 0;
    };
    void tidy(int64_t now_ms);

    std::map<std::string, Chat> chats_;
    std::deque<int64_t> all_;  // of the last second
    int64_t all_blocked_until_ = 0;
    std::string last_refused_;
    int64_t last_refused_ms_ = INT64_MIN / 2;
};

}  // namespace telegram
