// Whether the supervisor itself ran when it wanted to. Where it did not, the machine slept or was
// starved, and nobody's silence means anything.
#pragma once

#include <chrono>
#include <cstdint>

namespace supervisor {

class OwnTime {
  public:
    static constexpr std::chrono::milliseconds period{2'000};

    OwnTime();

    // Every period. Seconds that the machine slept since the last tick, or 0.
    int64_t tick();
    // Of the last tick: it came in time and the machine had not slept.
    bool was_regular() const { return was_regular_; }

  private:
    int64_t last_ms_;    // CLOCK_MONOTONIC
    int64_t asleep_ms_;  // CLOCK_BOOTTIME minus CLOCK_MONOTONIC
    bool was_regular_ = true;
};

}  // namespace supervisor
