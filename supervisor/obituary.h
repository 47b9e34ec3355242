// Why a life ended: a name for machines, a line for the owner. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/memory_budget.h"
#include "supervisor/reap.h"
#include "supervisor/restart_policy.h"

namespace supervisor {

// What the supervisor knows about a life when it ends.
struct Life {
    int64_t lasted_ms = 0;
    bool was_asked_to_end = false;
    std::optional<Ended> forced;  // why we ended it ourselves
    std::string declared;         // its own last words, from Failed
    uint64_t memory_peak = 0;     // bytes
    MemoryBudget budget;
    bool killed_in_its_group = false;    // by the kernel, for the group's limit
    bool killed_on_machine = false;      // the kernel killed somebody for memory in its time
};

Ended classify(const ProcessEnd& end, const Life& life);
// "out of memory: 41.2 of 40.0 MiB, after 3 h"
std::string describe_end(const ProcessEnd& end, Ended how, const Life& life);
// The name of a way to end in status, metrics and logs: "oom", "hung", "crashed".
std::string_view name_of(Ended how);

// "12 ms", "34 s", "5 min", "3 h".
std::string duration_text(int64_t ms);

}  // namespace supervisor
