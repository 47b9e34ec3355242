#include "workers/agent/cron/zone.h"

#include <algorithm>
#include <ctime>

namespace agent {

namespace {

// No two changes of a zone's clocks are closer than this, and no change is larger.
constexpr int64_t around = 26 * 3600;

}  // namespace

Zone utc_zone() {
    return [](int64_t) { return int64_t{0}; };
}

Zone local_zone() {
    return [](int64_t utc_seconds) {
        const time_t at = static_cast<time_t>(utc_seconds);
        struct tm local {};
        return localtime_r(&at, &local) ? int64_t{local.tm_gmtoff} : int64_t{0};
    };
}

std::vector<int64_t> moments_of(const Zone& zone, LocalSeconds local) {
    const int64_t before = zone(local - around);
    const int64_t after = zone(local + around);
    if (before == after) return {local - before};
    const bool in_old = zone(local - before) == before;
    const bool in_new = zone(local - after) == after;
    if (in_old && in_new) return {local - before, local - after};
    if (in_new) return {local - after};
    return {local - before};  // also of a missing time: the old clock goes on
}

std::optional<int64_t> next_moment(const CronExpression& expression, const Zone& zone,
                                   int64_t after) {
    // Local times do not follow each other like moments where clocks are set: all that may be
    // meant are looked at.
    const int64_t lowest = std::min(zone(after - around), zone(after + around));
    LocalSeconds from = after + lowest + 1;
    std::optional<int64_t> best;
    int64_t highest = std::max(zone(after - around), zone(after + around));
    while (const auto local = expression.next(from)) {
        highest = std::max({highest, zone(*local - around), zone(*local + around)});
        if (best && *local - highest >= *best) break;
        std::vector<int64_t> moments = moments_of(zone, *local);
        if (!expression.every_hour()) moments.resize(1);
        for (const int64_t moment : moments)
            if (moment > after && (!best || moment < *best)) best = moment;
        from = *local + 1;
    }
    return best;
}

}  // namespace agent
