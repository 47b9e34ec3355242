// Which run may start: one per lane (a session) at a time, so many at once of each pool, in order
// of arrival; a lane that is held waits. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace agent {

// What shares a width: a burst of one kind leaves place for the others.
enum class Pool { main, subagent, cron, voice };
inline constexpr size_t pools = 4;
const char* pool_name(Pool pool);

class RunQueue {
  public:
    using Widths = std::array<size_t, pools>;  // by Pool
    explicit RunQueue(const Widths& most_at_once) : most_at_once_(most_at_once) {}

    struct Place {
        std::string lane;
        Pool pool = Pool::main;
        uint64_t ticket = 0;
        int64_t since_ms = 0;  // by a clock that only goes forward, as all times here
    };
    void add(Place place);
    // Nothing of the lane starts before that time.
    void hold(const std::string& lane, int64_t until_ms);
    // Those that may start now; from here on they count as running.
    std::vector<Place> take(int64_t now_ms);
    void finished(uint64_t ticket);
    // When the first lane that is held now is let go.
    std::optional<int64_t> next_release(int64_t now_ms) const;

    // A run added now is among those that take() returns next.
    bool starts_at_once(const std::string& lane, Pool pool) const {
        return !is_busy(lane) && !holds_.contains(lane) &&
               in(running_, pool) + in(waiting_, pool) < width_of(pool);
    }
    // Something runs or waits in that lane.
    bool is_busy(const std::string& lane) const;
    bool is_running(const std::string& lane) const;
    // In order of arrival.
    std::vector<uint64_t> waiting_in(const std::string& lane) const;
    size_t running() const { return running_.size(); }
    size_t waiting() const { return waiting_.size(); }

  private:
    using Places = std::list<Place>;
    static size_t in(const Places& places, Pool pool);
    size_t width_of(Pool pool) const { return most_at_once_[static_cast<size_t>(pool)]; }

    Widths most_at_once_;
    Places waiting_;
    Places running_;
    std::map<std::string, int64_t> holds_;  // by lane
};

}  // namespace agent
