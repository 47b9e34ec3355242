#include "workers/telegram/group_history.h"

#include <algorithm>

#include "workers/common/channel/measure.h"

namespace telegram {

void GroupHistory::remember(const std::string& place, std::string line) {
    if (most_lines_ == 0) return;
    if (!places_.contains(place) && places_.size() >= most_places) forget_the_least_used();
    Place& known = places_[place];
    known.used = ++uses_;
    if (line.size() > longest_line)
        line = line.substr(0, bytes_within(line, longest_line, Measure::bytes)) + "…";
    known.lines.push_back(std::move(line));
    if (known.lines.size() > most_lines_) known.lines.pop_front();
}

std::vector<std::string> GroupHistory::take(const std::string& place) {
    const auto found = places_.find(place);
    if (found == places_.end()) return {};
    std::vector<std::string> lines(std::make_move_iterator(found->second.lines.begin()),
                                   std::make_move_iterator(found->second.lines.end()));
    places_.erase(found);
    return lines;
}

void GroupHistory::forget_the_least_used() {
    places_.erase(std::min_element(
        places_.begin(), places_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
}

}  // namespace telegram
