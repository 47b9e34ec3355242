// One worker's memory: its control group, its budget, what it uses, and whether the kernel has
// killed it for that. Where there are no groups it looks at /proc instead.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "supervisor/cgroup.h"
#include "supervisor/memory_watch.h"
#include "supervisor/obituary.h"

namespace supervisor {

class WorkerMemory {
  public:
    // `group` may be null.
    WorkerMemory(std::unique_ptr<Cgroup> group, bool kernel_limits, int most_tasks)
        : group_(std::move(group)), kernel_limits_(kernel_limits), most_tasks_(most_tasks) {}

    void set_budget(const MemoryBudget& budget);
    const MemoryBudget& budget() const { return budget_; }
    // A new life begins.
    Done begin();
    std::vector<int> doors() const;
    // RLIMIT_DATA where nobody else holds it to a limit; 0: none.
    uint64_t data_limit() const;
    // Bytes of memory of its own, its children's included.
    uint64_t used(pid_t pid) const;
    MemoryAction sample(pid_t pid, int64_t now_ms);
    // Ends whatever the leader left behind; false when it cannot be ended.
    bool end_group() const { return !group_ || group_->kill(); }
    bool has_group() const { return static_cast<bool>(group_); }
    // Whether the kernel has killed somebody in its group, and not the worker itself: that would
    // have ended since it was asked before.
    bool new_kills();
    // Peak, budget and kills, for the obituary.
    void tell(Life& life) const;
    uint64_t last() const { return last_; }  // what the last sample found
    uint64_t peak() const { return watch_.peak(); }

  private:
    uint64_t kills() const;

    std::unique_ptr<Cgroup> group_;
    bool kernel_limits_;
    int most_tasks_;
    MemoryBudget budget_;
    MemoryWatch watch_;
    uint64_t last_ = 0;
    uint64_t known_kills_ = 0;     // in its group, or on the machine
    uint64_t seen_kills_ = 0;      // the same, when it was last looked at
    uint64_t known_refusals_ = 0;  // for its group's own limit
};

}  // namespace supervisor
