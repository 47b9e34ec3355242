#include "workers/agent/run_queue.h"

#include <algorithm>
#include <set>

namespace agent {

const char* pool_name(Pool pool) {
    constexpr const char* names[pools] = {"main", "subagent", "cron", "voice"};
    return names[static_cast<size_t>(pool)];
}

void RunQueue::add(Place place) {
    waiting_.push_back(std::move(place));
}

void RunQueue::hold(const std::string& lane, int64_t until_ms) {
    holds_[lane] = until_ms;
}

std::vector<RunQueue::Place> RunQueue::take(int64_t now_ms) {
    std::erase_if(holds_, [&](const auto& hold) { return hold.second <= now_ms; });
    std::set<std::string> taken;
    for (const Place& place : running_) taken.insert(place.lane);
    std::array<size_t, pools> running{};
    for (const Place& place : running_) ++running[static_cast<size_t>(place.pool)];
    std::vector<Place> started;
    for (auto place = waiting_.begin(); place != waiting_.end();) {
        const auto next = std::next(place);
        size_t& used = running[static_cast<size_t>(place->pool)];
        const bool may_start = used < width_of(place->pool) && !holds_.contains(place->lane);
        if (may_start && taken.insert(place->lane).second) {
            ++used;
            started.push_back(*place);
            running_.splice(running_.end(), waiting_, place);
        }
        place = next;
    }
    return started;
}

void RunQueue::finished(uint64_t ticket) {
    const auto is_it = [&](const Place& place) { return place.ticket == ticket; };
    running_.remove_if(is_it);
    waiting_.remove_if(is_it);
}

std::optional<int64_t> RunQueue::next_release(int64_t now_ms) const {
    std::optional<int64_t> first;
    for (const auto& [lane, until] : holds_)
        if (until > now_ms && (!first || until < *first)) first = until;
    return first;
}

bool RunQueue::is_running(const std::string& lane) const {
    return std::any_of(running_.begin(), running_.end(),
                       [&](const Place& place) { return place.lane == lane; });
}

bool RunQueue::is_busy(const std::string& lane) const {
    return is_running(lane) || std::any_of(waiting_.begin(), waiting_.end(),
                                           [&](const Place& place) { return place.lane == lane; });
}

std::vector<uint64_t> RunQueue::waiting_in(const std::string& lane) const {
    std::vector<uint64_t> tickets;
    for (const Place& place : waiting_)
        if (place.lane == lane) tickets.push_back(place.ticket);
    return tickets;
}

size_t RunQueue::in(const Places& places, Pool pool) {
    return static_cast<size_t>(std::count_if(
        places.begin(), places.end(), [&](const Place& place) { return place.pool == pool; }));
}

}  // namespace agent
