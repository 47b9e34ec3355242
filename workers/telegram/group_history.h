// What was said in groups and was not for the bot: context of what it is asked next. In memory
// only, bounded per chat and in all. Pure.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace telegram {

class GroupHistory {
  public:
    explicit GroupHistory(size_t most_lines) : most_lines_(most_lines) {}

    void remember(const std::string& place, std::string line);
    // The lines of that place, oldest first; they are forgotten by that.
    std::vector<std::string> take(const std::string& place);
    void clear() { places_.clear(); }

    static constexpr size_t longest_line = 2000;  // bytes
    static constexpr size_t most_places = 200;

  private:
    struct Place {
        std::deque<std::string> lines;
        uint64_t used = 0;
    };
    void forget_the_least_used();

    size_t most_lines_;
    uint64_t uses_ = 0;
    std::map<std::string, Place> places_;
};

}  // namespace telegram
