#include "supervisor/own_time.h"

#include <utility>

#include "workers/common/base/clock.h"

namespace supervisor {

OwnTime::OwnTime() : last_ms_(monotonic_ms()), asleep_ms_(boottime_ms() - last_ms_) {}

int64_t OwnTime::tick() {
    const int64_t now = monotonic_ms();
    const int64_t asleep = boottime_ms() - now;
    const int64_t slept = asleep - std::exchange(asleep_ms_, asleep);
    const int64_t since = now - std::exchange(last_ms_, now);
    const bool has_slept = slept > 1'000;
    was_regular_ = !has_slept && since < 2 * period.count();
    return has_slept ? slept / 1'000 : 0;
}

}  // namespace supervisor
