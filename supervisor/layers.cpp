#include "supervisor/layers.h"

#include <sys/prctl.h>

#include "supervisor/landlock.h"
#include "supervisor/spawn.h"
#include "supervisor/syscall_filter.h"

namespace supervisor {

namespace {

using Facts = LayerFacts;

bool always(const Facts&) {
    return true;
}
bool has_users(const Facts& facts) {
    return facts.has_users;
}
bool limits_memory(const Facts& facts) {
    return facts.limits_memory;
}
bool limits_tasks(const Facts& facts) {
    return facts.limits_tasks;
}
bool is_closed(const Facts&) {
    return prctl(PR_GET_DUMPABLE) == 0;
}
bool is_spared(const Facts&) {
    return own_oom_score() < 0;
}
bool has_filter(const Facts&) {
    return can_filter_syscalls();
}
bool has_landlock(const Facts&) {
    return landlock_version() > 0;
}

struct Layer {
    std::string_view name;
    bool (*holds)(const Facts&);
    std::string_view without;  // what follows where it does not hold
};

// clang-format off
constexpr Layer table[] = {
    // layer                 holds          where it does not
    {"own user",             has_users,     "workers run as the supervisor's own user"},
    {"no new privileges",    always,        ""},
    {"no capabilities",      always,        ""},
    {"own descriptors only", always,        ""},
    {"own secrets only",     is_closed,     "a worker of the supervisor's user may read all secrets from its memory"},
    {"resource limits",      always,        ""},
    {"system call filter",   has_filter,    "this kernel has no seccomp filters: workers may make any system call"},
    {"writes (Landlock)",    has_landlock,  "this kernel has no Landlock: workers may write wherever their user may"},
    {"memory limit",         limits_memory, "the kernel does not hold workers to their memory"},
    {"supervisor spared",    is_spared,     "without CAP_SYS_RESOURCE the kernel may end the supervisor, too, when memory runs out"},
    {"task limit",           limits_tasks,  "the kernel does not limit a worker's processes and threads"},
};
// clang-format on

std::string detail_of(const Layer& layer, const Facts& facts) {
    std::string text(layer.without);
    if (layer.holds == has_users) text += ": " + facts.why_no_users;
    if (layer.holds == limits_memory) text += "; it is " + facts.memory_mode;
    return text;
}

}  // namespace

std::vector<LayerState> layers(const LayerFacts& facts) {
    std::vector<LayerState> states;
    for (const Layer& row : table) {
        const bool holds = row.holds(facts);
        states.push_back({row.name, holds, holds ? std::string() : detail_of(row, facts)});
    }
    return states;
}

}  // namespace supervisor
