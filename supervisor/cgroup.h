// A control group per worker: the kernel holds its memory and its number of tasks to a limit,
// counts what it kills for that, and ends all of a worker's processes at once.
//
// Versions 1 and 2 name their files differently (a table in cgroup.cpp), version 2 has to be
// divided before its groups have limits, and is the only one that ends a group at once. What the
// machine does not offer is left out; mode() says so in one line.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/cgroup_trees.h"
#include "supervisor/memory_budget.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace supervisor {

// The groups of one worker in each tree; removed, when empty, with the object.
class Cgroup {
  public:
    Cgroup(CgroupVersion memory_version, std::string memory, std::string pids, std::string unified);
    ~Cgroup();
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    // Makes the groups where they are missing, and sets their limits.
    Done limit(const MemoryBudget& budget, int most_tasks);
    // A process of one thread that writes "0" to each of them is inside.
    std::vector<int> doors() const;
    // Bytes of the worker's own memory, page cache not counted; nothing where it is not counted.
    std::optional<uint64_t> used() const;
    bool limits_memory() const { return !memory_.empty(); }
    // Processes that the kernel killed in here, ever: for this group's limit or for that of one
    // around it.
    uint64_t memory_kills() const;
    // How often memory was refused for this group's own limit, ever.
    uint64_t memory_refusals() const;
    // A new process must not be stopped before it has begun: whoever started it waits for that.
    void thaw() const;
    // Ends every process inside; false when one is still there after some milliseconds.
    bool kill() const;

  private:
    Done make();
    std::vector<pid_t> members() const;

    CgroupVersion memory_version_;
    std::string memory_;
    std::string pids_;
    std::string unified_;
    std::vector<Fd> doors_;
};

struct MemoryRoom {
    uint64_t limit = 0;
    uint64_t available = 0;  // page cache counts as available
};

// Makes the workers' groups below our own.
class Cgroups {
  public:
    Cgroups() = default;
    // `key` names the groups of this gateway; what an earlier one with the same key left behind is
    // ended and removed.
    static Cgroups open(const CgroupTrees& trees, const std::string& key);

    // Null where there is no tree that we may divide.
    std::unique_ptr<Cgroup> make(const std::string& worker) const;
    bool limits_memory() const { return !memory_.empty(); }
    bool limits_tasks() const { return !pids_.empty(); }
    // How limits are kept, for the owner: "kept by the kernel (cgroup v2)", "looked at once a
    // second: this machine has no memory groups".
    const std::string& mode() const { return mode_; }
    // The limit on our own group and those above it; nothing when there is none.
    std::optional<uint64_t> own_limit() const;
    // Of the limited ones among the same groups, that with the least available.
    std::optional<MemoryRoom> room() const;
    // Groups of an earlier gateway that could not be removed, one line each.
    const std::vector<std::string>& leftovers() const { return leftovers_; }
    // Removes what is empty, and moves back who was moved to make room.
    void close();

  private:
    std::string divide();

    CgroupTrees trees_;
    std::string memory_;
    std::string pids_;
    std::string unified_;
    std::string mode_ = "looked at once a second";
    std::vector<std::string> leftovers_;
};

}  // namespace supervisor
