// What follows from how much memory a worker uses. Pure: takes samples and the time.
#pragma once

#include <cstdint>
#include <utility>

#include "supervisor/memory_budget.h"

namespace supervisor {

enum class MemoryAction {
    none,
    shed,     // it is told to let go of what it can do without
    replace,  // that did not help: it is stopped in order and started again
    kill,     // beyond its limit, where the kernel does not hold it
};

class MemoryWatch {
  public:
    // One sample, about one a second; each action is named once until it is below again.
    MemoryAction sample(uint64_t used, const MemoryBudget& budget, int64_t now_ms);
    uint64_t peak() const { return peak_; }

  private:
    uint64_t peak_ = 0;
    bool is_shedding_ = false;
    bool is_replaced_ = false;
    int64_t shed_at_ms_ = 0;
};

// What of a shortage of the machine is worth a line: that it began, and that it is over.
class ShortageNews {
  public:
    bool begins() { return !std::exchange(is_known_, true); }
    bool ends() { return std::exchange(is_known_, false); }
    bool is_known() const { return is_known_; }

  private:
    bool is_known_ = false;
};

}  // namespace supervisor
