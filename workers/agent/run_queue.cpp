#include "workers/agent/run_queue.h"

#include <algorithm>

namespace agent {

void RunQueue::add(std::string lane, uint64_t ticket) {
    waiting_.push_back({std::move(lane), ticket});
}

std::vector<uint64_t> RunQueue::take() {
    std::set<std::string> taken;
    for (const Place& place : running_) taken.insert(place.lane);
    std::vector<uint64_t> tickets;
    for (auto place = waiting_.begin();
         place != waiting_.end() && running_.size() < most_at_once_;) {
        const auto next = std::next(place);
        if (taken.insert(place->lane).second) {
            tickets.push_back(place->ticket);
            running_.splice(running_.end(), waiting_, place);
        }
        place = next;
    }
    return tickets;
}

void RunQueue::finished(uint64_t ticket) {
    const auto is_it = [&](const Place& place) { return place.ticket == ticket; };
    running_.remove_if(is_it);
    waiting_.remove_if(is_it);
}

bool RunQueue::is_busy(const std::string& lane) const {
    const auto in_lane = [&](const Place& place) { return place.lane == lane; };
    return std::any_of(running_.begin(), running_.end(), in_lane) ||
           std::any_of(waiting_.begin(), waiting_.end(), in_lane);
}

}  // namespace agent
