// Which signed messages have had their effect: a repetition has none.
//
// Keys are of signatures.h; forgotten after a day, or when there are too many.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_set>
#include <utility>

namespace voice {

class SeenMessages {
  public:
    // False: it was seen before.
    bool note(const std::string& key, int64_t now_ms) {
        while (!order_.empty() &&
               (order_.size() >= most || order_.front().second < now_ms - kept_ms)) {
            keys_.erase(order_.front().first);
            order_.pop_front();
        }
        if (!keys_.insert(key).second) return false;
        order_.emplace_back(key, now_ms);
        return true;
    }

    static constexpr size_t most = 20'000;
    static constexpr int64_t kept_ms = 86'400'000;

  private:
    std::unordered_set<std::string> keys_;
    std::deque<std::pair<std::string, int64_t>> order_;
};

}  // namespace voice
