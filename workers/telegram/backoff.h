// Waits that grow: for what may work again later. Pure but for its own dice.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace telegram {

class Backoff {
  public:
    using Duration = std::chrono::milliseconds;
    Backoff(Duration first, Duration longest, double factor)
        : first_(first), longest_(longest), factor_(factor), next_(first) {}

    // The next wait, a quarter more or less.
    Duration next() {
        std::uniform_real_distribution<double> around(0.75, 1.25);
        const auto wait = std::chrono::duration_cast<Duration>(next_ * around(dice_));
        next_ = std::min(std::chrono::duration_cast<Duration>(next_ * factor_), longest_);
        return wait;
    }
    void reset() { next_ = first_; }

  private:
    Duration first_;
    Duration longest_;
    double factor_;
    Duration next_;
    std::minstd_rand dice_{std::random_device{}()};
};

}  // namespace telegram
