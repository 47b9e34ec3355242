// The bot's own messages of the last day, so that a reaction to one is known as such. Pure,
// bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <string>

namespace telegram {

class SentMessages {
  public:
    void add(const std::string& chat_id, const std::string& message_id, int64_t now_ms) {
        std::string key = chat_id + " " + message_id;
        if (!known_.insert(key).second) return;
        order_.push_back({std::move(key), now_ms});
        while (order_.size() > most || order_.front().at_ms + day_ms < now_ms) {
            known_.erase(order_.front().key);
            order_.pop_front();
        }
    }
    bool contains(const std::string& chat_id, const std::string& message_id) const {
        return known_.contains(chat_id + " " + message_id);
    }

    static constexpr size_t most = 2000;
    static constexpr int64_t day_ms = 24 * 3600 * 1000;

  private:
    struct Entry {
        std::string key;
        int64_t at_ms;
    };
    std::set<std::string> known_;
    std::deque<Entry> order_;
};

}  // namespace telegram
