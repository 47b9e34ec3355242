// Which run may start: one per lane (a session) at a time, so many lanes at once, in order of
// arrival. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <set>
#include <string>
#include <vector>

namespace agent {

class RunQueue {
  public:
    explicit RunQueue(size_t most_at_once) : most_at_once_(most_at_once) {}

    void add(std::string lane, uint64_t ticket);
    // Tickets that may start now; from here on they count as running.
    std::vector<uint64_t> take();
    void finished(uint64_t ticket);

    // A run added now is among those that take() returns next.
    bool starts_at_once(const std::string& lane) const {
        return !is_busy(lane) && running_.size() + waiting_.size() < most_at_once_;
    }
    // Something runs or waits in that lane.
    bool is_busy(const std::string& lane) const;
    size_t running() const { return running_.size(); }
    size_t waiting() const { return waiting_.size(); }

  private:
    struct Place {
        std::string lane;
        uint64_t ticket = 0;
    };
    size_t most_at_once_;
    std::list<Place> waiting_;
    std::list<Place> running_;
};

}  // namespace agent
