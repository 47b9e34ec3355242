// A moment until which a test waits for an event; tests never sleep for a time.
#pragma once

#include <algorithm>
#include <chrono>

class Deadline {
  public:
    using Clock = std::chrono::steady_clock;
    explicit Deadline(std::chrono::milliseconds from_now) : end_(Clock::now() + from_now) {}
    std::chrono::milliseconds left() const {
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
        return std::max(rest, std::chrono::milliseconds(0));
    }
    bool over() const { return Clock::now() >= end_; }

  private:
    Clock::time_point end_;
};

// How long a test waits for what should come at once. Generous: machines are busy.
inline constexpr std::chrono::milliseconds patience{30'000};
