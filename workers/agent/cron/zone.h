// Between the time of the world and the time that clocks in a place show.
//
// Where clocks are set forward a time of day is missing, where they are set back one comes twice:
//   missing   02:30 of a night that goes from 02:00 to 03:00 is 03:30, as long after midnight
//   twice     the first time; for an expression that fits every hour, both
// Pure but for the zones themselves, which are functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "workers/agent/cron/expression.h"

namespace agent {

// Seconds east of Greenwich at a moment (seconds since 1970).
using Zone = std::function<int64_t(int64_t utc_seconds)>;

Zone utc_zone();
// The process's own, from TZ or /etc/localtime.
Zone local_zone();

// The moments at which clocks show that time, earliest first: one, or two; of a missing time the
// one it stands for.
std::vector<int64_t> moments_of(const Zone& zone, LocalSeconds local);

// The first moment after `after` that the expression means in that zone.
std::optional<int64_t> next_moment(const CronExpression& expression, const Zone& zone,
                                   int64_t after);

}  // namespace agent
