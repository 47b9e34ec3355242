#include "workers/common/base/clock.h"

#include <time.h>

#include <cstdio>

namespace {

int64_t read_ms(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

int64_t wall_ms() {
    return read_ms(CLOCK_REALTIME);
}
int64_t monotonic_ms() {
    return read_ms(CLOCK_MONOTONIC);
}
int64_t boottime_ms() {
    return read_ms(CLOCK_BOOTTIME);
}

std::string iso_time(int64_t wall_milliseconds) {
    const time_t seconds = static_cast<time_t>(wall_milliseconds / 1000);
    tm utc{};
    gmtime_r(&seconds, &utc);
    char text[40];
    const size_t date = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    const int rest = std::snprintf(text + date, sizeof text - date, ".%03dZ",
                                   static_cast<int>(wall_milliseconds % 1000));
    return {text, date + static_cast<size_t>(rest)};
}
