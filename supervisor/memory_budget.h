// Shares the machine's memory out among the workers: the minimum of each row of the roster, and
// what is left by the rows' weights. Pure: no file is read here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "supervisor/roster.h"
#include "workers/common/base/result.h"

namespace supervisor {

// Bytes of memory that is a worker's own (anonymous pages; never page cache).
struct MemoryBudget {
    uint64_t soft = 0;   // beyond it: asked to shed, then replaced
    uint64_t limit = 0;  // beyond it: it dies, alone
};

struct BudgetLine {
    std::string worker;
    const KindOfWorker* kind = nullptr;
    MemoryBudget budget;
};

struct SharedMemory {
    uint64_t total = 0;
    std::vector<hardshell::proto::MemoryWish> wishes;
    bool total_is_wished = false;  // memory.total, and not what the machine has
};

// Fills the budgets in. An owner's wish for a worker stands over one for its kind. Refused, with
// the numbers, when minimums and wishes do not fit what is left of the total for workers.
Done share_out(const SharedMemory& memory, std::vector<BudgetLine>& lines);

// The minimum of its row, for one that runs before there is a plan.
MemoryBudget least_budget(const KindOfWorker& kind);
// What the supervisor, the kernel's page cache and the machine's own programs are left.
uint64_t reserve_of(uint64_t total);
// "174.0 MiB for workers: agent 92.0 (soft 73.6), gateway 58.0 (soft 46.4), planner 24.0"
std::string describe(uint64_t total, const std::vector<BudgetLine>& lines);
// "41.2 MiB"; without the unit for "41.2 of 40.0 MiB".
std::string mebibytes(uint64_t bytes, bool unit = true);

}  // namespace supervisor
