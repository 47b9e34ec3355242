#include "workers/agent/cron/due.h"

#include <algorithm>
#include <iterator>

namespace agent {

namespace {

constexpr int64_t minute_ms = 60'000;
// As cron daemons tell a correction of the clock from another time.
constexpr int64_t correction_ms = 3 * 3600 * 1000;
constexpr int64_t retry_pauses[] = {minute_ms, 5 * minute_ms, 15 * minute_ms, 60 * minute_ms};

std::optional<int64_t> once_at(const Schedule& schedule, const DueFacts& facts) {
    const int64_t at = facts.next_ms.value_or(schedule.at_ms());
    const bool was_begun = facts.begun_ms && *facts.begun_ms == at;
    return facts.is_done || was_begun ? std::nullopt : std::optional(at);
}

}  // namespace

std::optional<int64_t> due_at(const Schedule& schedule, const DueFacts& facts, int64_t now_ms) {
    if (!facts.enabled) return {};
    if (schedule.is_once()) return once_at(schedule, facts);
    const int64_t correction =
        schedule.period_ms() ? std::max(*schedule.period_ms(), shortest_period_ms) : correction_ms;
    const bool begun_counts = facts.begun_ms && *facts.begun_ms <= now_ms + correction;
    const int64_t begun = begun_counts ? *facts.begun_ms + shortest_period_ms - 1 : 0;
    const std::optional<int64_t> natural = schedule.next(std::max(now_ms, begun));
    if (!facts.next_ms || !natural) return natural;
    if (begun_counts && *facts.next_ms <= *facts.begun_ms) return natural;
    return std::min(*facts.next_ms, *natural);
}

std::optional<int64_t> retry_pause_ms(int failures) {
    if (failures < 1 || static_cast<size_t>(failures) > std::size(retry_pauses)) return {};
    return retry_pauses[failures - 1];
}

}  // namespace agent
