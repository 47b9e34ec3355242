// Watches over memory as a whole: who gets how much, whether each keeps to it, and what to do when
// the machine itself runs short.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "supervisor/cgroup.h"
#include "supervisor/log_pump.h"
#include "supervisor/memory_budget.h"
#include "supervisor/memory_watch.h"
#include "supervisor/worker_process.h"

namespace supervisor {

class MemoryGuard {
  public:
    using Workers = std::vector<std::unique_ptr<WorkerProcess>>;

    MemoryGuard(LogPump& log, const Workers& workers) : log_(log), workers_(workers) {}

    // Finds the control groups; `key` tells this gateway's from another's.
    void open(const std::string& key);
    // Shares the memory out for a plan. An error names the numbers; the budgets of before stay.
    Done plan(const hardshell::proto::Plan& plan);
    // What of the owner's wishes could not be followed; empty: nothing.
    const std::string& remark() const { return remark_; }
    // For a worker about to be made; null without control groups.
    std::unique_ptr<Cgroup> group_for(const std::string& worker) const;
    MemoryBudget budget_of(const std::string& worker) const;
    // Hands the budgets to the workers there are.
    void apply() const;
    // Every second.
    void check();
    void close() { groups_.close(); }

    const Cgroups& groups() const { return groups_; }

  private:
    SharedMemory to_share(const hardshell::proto::SupervisorSettings& settings) const;
    void say_when_too_large(uint64_t wished, uint64_t shared);
    std::string shortage(uint64_t percent) const;
    void see_whether_it_is_over();
    void relieve_machine();

    LogPump& log_;
    const Workers& workers_;
    Cgroups groups_;
    std::vector<BudgetLine> budgets_;
    std::string described_;
    std::string remark_;
    int64_t relieved_ms_ = 0;
    ShortageNews news_;
};

}  // namespace supervisor
