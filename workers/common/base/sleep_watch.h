// Notices that the machine stood still: suspended by its host, or asleep. Every connection is dead
// then, though nobody has said so.
//
// A virtual machine that was frozen and thawed sees it in one of three ways: CLOCK_BOOTTIME ran on
// while CLOCK_MONOTONIC stood, the monotonic clock itself leapt, or only the wall clock was set
// right afterwards (Fly.io's suspend, https://fly.io/docs/reference/suspend-resume).
#pragma once

#include <cstdint>

struct ClockReadings {
    int64_t monotonic_ms = 0;
    int64_t boottime_ms = 0;
    int64_t wall_ms = 0;
};

class SleepWatch {
  public:
    // The readings are to come at least this often; a loop that is kept busy for longer looks like
    // sleep, and a connection that was not served for so long is worth a new one.
    static constexpr int64_t leap_ms = 5'000;

    explicit SleepWatch(const ClockReadings& now) : last_(now) {}

    // True once after each sleep.
    bool has_slept(const ClockReadings& now) {
        const int64_t monotonic = now.monotonic_ms - last_.monotonic_ms;
        const int64_t boottime = now.boottime_ms - last_.boottime_ms;
        const int64_t wall = now.wall_ms - last_.wall_ms;
        last_ = now;
        return monotonic > leap_ms || boottime - monotonic > 1'000 || wall - monotonic > leap_ms;
    }

  private:
    ClockReadings last_;
};
