// What a process that waits has no use for goes back to the machine: memory that was freed, and
// code that only starting, connecting or the last piece of work ran.
//
// The kernel maps 64 KiB of a file around whatever is touched and takes nothing back while there
// is room. What is needed again is mapped again from the page cache, at a microsecond or two for
// each 64 KiB. Nothing that was written to is ever let go of.
#pragma once

#include <algorithm>
#include <utility>

// Decides when: in the first second after work in which nothing more is mapped. Under load that
// seldom comes, and a process that only waits is left alone.
class IdleWatch {
  public:
    // So many page faults, of up to 64 KiB each, are worth the 0.3 ms that it costs.
    static constexpr long worth_it = 16;
    // Less than that goes after this time, as far as anything was mapped at all.
    static constexpr int longest_s = 20;
    // What is mapped later after a release than this, work mapped.
    static constexpr int settled_s = 3;

    // Once a second, with the page faults of the process so far.
    bool is_time(long faults) {
        const bool is_quiet = faults == last_;
        last_ = faults;
        ++seconds_;
        if (!is_quiet) return false;
        const long mapped = faults - released_;
        if (std::exchange(is_settling_, false) && seconds_ <= settled_s) {
            least_ = measured_ == 0 ? mapped : std::min(least_, mapped);
            settled_ = faults;
            ++measured_;
        }
        // The first measurement may be of work that came within that second: once more.
        const bool is_due = seconds_ >= longest_s && (faults > settled_ || measured_ < 2);
        if (!is_due && mapped < least_ + worth_it) return false;
        released_ = faults;
        seconds_ = 0;
        is_settling_ = true;
        return true;
    }

  private:
    long last_ = 0;
    long released_ = 0;
    long settled_ = 0;  // the faults when it had mapped again, at once, what waiting itself needs
    long least_ = 0;    // of that, the least it ever was
    int measured_ = 0;
    int seconds_ = longest_s;
    bool is_settling_ = false;
};

// Minor faults of this process and all its threads.
long page_faults();

void release_idle_memory();
