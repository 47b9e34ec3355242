#include "supervisor/memory_budget.h"

#include <algorithm>
#include <cstdio>

namespace supervisor {

namespace {

using hardshell::proto::MemoryWish;

constexpr uint64_t mib = 1u << 20;
constexpr uint64_t least_reserve = 24 * mib;
constexpr uint64_t reserve_divisor = 5;
// Between them lie the seconds in which a growing worker sheds or is replaced.
constexpr uint64_t soft_percent = 80;
// The sanitizers' shadow memory and quarantine count as the program's own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t build_factor = 12;
#else
constexpr uint64_t build_factor = 1;
#endif

uint64_t soft_for(uint64_t limit) {
    return limit / 100 * soft_percent;
}

const MemoryWish* wish_for(const BudgetLine& line, const std::vector<MemoryWish>& wishes) {
    const MemoryWish* found = nullptr;
    for (const MemoryWish& wish : wishes) {
        if (wish.worker() == line.worker) return &wish;
        if (wish.worker() == line.kind->kind) found = &wish;
    }
    return found;
}

uint64_t least_of(const BudgetLine& line, const std::vector<MemoryWish>& wishes) {
    const MemoryWish* wish = wish_for(line, wishes);
    const uint64_t least = wish && wish->limit_bytes() > 0
                               ? wish->limit_bytes()
                               : static_cast<uint64_t>(line.kind->least_mib) * mib * build_factor;
    // A soft limit that is wished raises the limit to it.
    return wish ? std::max(least, wish->soft_bytes()) : least;
}

// Wishes may be of any size.
uint64_t sum_of(uint64_t one, uint64_t two) {
    return one > UINT64_MAX - two ? UINT64_MAX : one + two;
}

MemoryBudget budget_of(uint64_t share, const MemoryWish* wish) {
    MemoryBudget budget{soft_for(share), share};
    if (wish && wish->soft_bytes() > 0) budget.soft = wish->soft_bytes();
    return budget;
}

std::string cure_for(const SharedMemory& memory) {
    std::string cure;
    if (memory.total_is_wished) cure += "raise memory.total, ";
    if (!memory.wishes.empty()) cure += "lower memory.workers, ";
    return cure.empty()
               ? "give the machine more memory"
               : cure.substr(0, cure.size() - 2) + " in hardshell.json, or give the machine more";
}

Error does_not_fit(const SharedMemory& memory, uint64_t room, uint64_t wanted,
                   const std::vector<BudgetLine>& lines) {
    std::string parts;
    for (const BudgetLine& line : lines)
        parts += (parts.empty() ? "" : " + ") + line.worker + " " +
                 mebibytes(least_of(line, memory.wishes), false);
    return {Fault::bad_config, "the workers' memory does not fit: " + parts + " = " +
                                   mebibytes(wanted) + ", but of " + mebibytes(memory.total) +
                                   " there are " + mebibytes(room) + " for workers; " +
                                   cure_for(memory)};
}

}  // namespace

MemoryBudget least_budget(const KindOfWorker& kind) {
    return budget_of(least_of({"", &kind, {}}, {}), nullptr);
}

uint64_t reserve_of(uint64_t total) {
    return std::min(total, std::max(least_reserve, total / reserve_divisor));
}

Done share_out(const SharedMemory& memory, std::vector<BudgetLine>& lines) {
    const auto& wishes = memory.wishes;
    const uint64_t room = memory.total - reserve_of(memory.total);
    uint64_t wanted = 0;
    uint64_t weights = 0;
    for (const BudgetLine& line : lines) {
        wanted = sum_of(wanted, least_of(line, wishes));
        const MemoryWish* wish = wish_for(line, wishes);
        if (!wish || wish->limit_bytes() == 0)
            weights += static_cast<uint64_t>(line.kind->memory_weight);
    }
    if (wanted > room) return does_not_fit(memory, room, wanted, lines);
    for (BudgetLine& line : lines) {
        const MemoryWish* wish = wish_for(line, wishes);
        uint64_t share = least_of(line, wishes);
        if (weights > 0 && (!wish || wish->limit_bytes() == 0))
            share += (room - wanted) / weights * static_cast<uint64_t>(line.kind->memory_weight);
        line.budget = budget_of(share, wish);
    }
    return {};
}

std::string describe(uint64_t total, const std::vector<BudgetLine>& lines) {
    std::string text =
        mebibytes(total - reserve_of(total)) + " of " + mebibytes(total) + " for workers: ";
    bool first = true;
    for (const BudgetLine& line : lines) {
        text += (first ? "" : ", ") + line.worker + " " + mebibytes(line.budget.limit, false) +
                " (soft " + mebibytes(line.budget.soft, false) + ")";
        first = false;
    }
    return text;
}

std::string mebibytes(uint64_t bytes, bool unit) {
    char text[48];
    std::snprintf(text, sizeof text, "%.1f%s", static_cast<double>(bytes) / mib,
                  unit ? " MiB" : "");
    return text;
}

}  // namespace supervisor
