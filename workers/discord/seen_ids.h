// The ids seen lately, to know a repetition: Discord repeats what came before a resume.
#pragma once

#include <deque>
#include <string>
#include <unordered_set>

namespace discord {

class SeenIds {
  public:
    static constexpr size_t most = 5'000;

    // False: it was seen before.
    bool add(const std::string& id) {
        if (!ids_.insert(id).second) return false;
        order_.push_back(id);
        if (order_.size() > most) {
            ids_.erase(order_.front());
            order_.pop_front();
        }
        return true;
    }
    bool has(const std::string& id) const { return ids_.count(id) > 0; }

  private:
    std::unordered_set<std::string> ids_;
    std::deque<std::string> order_;
};

}  // namespace discord
