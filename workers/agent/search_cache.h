// What was found lately, so that the same question is not paid for twice. Pure: the time is an
// argument. Bounded in entries and in the length of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace agent {

class SearchCache {
  public:
    static constexpr size_t most_entries = 100;
    static constexpr size_t longest_text = 32 * 1024;  // bytes

    // Null when it is not there, or older than it may be.
    const std::string* find(const std::string& question, int64_t now_ms) const;
    // Drops the oldest when it is full. A text that is too long is not kept.
    void keep(std::string question, std::string text, int64_t until_ms);

  private:
    struct Entry {
        std::string question;
        std::string text;
        int64_t until_ms;
    };
    std::deque<Entry> entries_;  // the oldest first
};

}  // namespace agent
