#include "supervisor/memory_watch.h"

#include <algorithm>

namespace supervisor {

namespace {

constexpr int64_t time_to_shed_ms = 3'000;
constexpr uint64_t relief_percent = 95;  // of the soft limit: below it, all is well again

}  // namespace

MemoryAction MemoryWatch::sample(uint64_t used, const MemoryBudget& budget, int64_t now_ms) {
    peak_ = std::max(peak_, used);
    if (budget.limit > 0 && used > budget.limit) return MemoryAction::kill;
    if (budget.soft == 0 || is_replaced_) return MemoryAction::none;
    if (is_shedding_ && used * 100 < budget.soft * relief_percent) is_shedding_ = false;
    if (used <= budget.soft) return MemoryAction::none;
    if (!is_shedding_) {
        is_shedding_ = true;
        shed_at_ms_ = now_ms;
        return MemoryAction::shed;
    }
    if (now_ms - shed_at_ms_ < time_to_shed_ms) return MemoryAction::none;
    is_replaced_ = true;
    return MemoryAction::replace;
}

}  // namespace supervisor
