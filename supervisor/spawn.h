// Starts one process: descriptors, directory, user, limits, parent-death signal; in that order,
// between vfork and exec. Whatever goes wrong there is reported as a stage and an errno.
//
// Only the main thread may call it: the parent-death signal follows the thread that spawned.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace supervisor {

struct SpawnRequest {
    std::string name;                      // argv[0], for ps
    std::string program;                   // path of the executable
    std::vector<std::string> environment;  // "NAME=value"; nothing else is inherited
    int directory = -1;                    // the new working directory, a descriptor
    int output = -1;                       // becomes stdout
    int errors = -1;                       // becomes stderr
    // Become 3, 4, … in this order. stdin is /dev/null. Nothing else stays open.
    std::vector<int> descriptors;
    // Group of the same number; no supplementary groups. Unset: stays who we are.
    std::optional<unsigned> user;
    // One more group, when `user` is set.
    std::optional<unsigned> extra_group;
    // Capabilities that it keeps of those we have, by number; none otherwise.
    std::vector<int> capabilities;
    // How willingly the kernel ends it when memory runs out; above our own score in any case.
    int oom_score = 0;
    // Control groups to enter, see Cgroup::doors().
    std::vector<int> groups;
    // RLIMIT_DATA in bytes, for machines without control groups; 0: none.
    uint64_t data_limit = 0;
    // Where it may write, a Landlock ruleset; -1: wherever its user may. See landlock.h.
    int confinement = -1;
    // What it may ask of the kernel; empty: everything. See syscall_filter.h.
    std::vector<sock_filter> filter;
};

struct Spawned {
    pid_t pid = -1;
    Fd pidfd;  // readable when it has ended
};

Result<Spawned> spawn(const SpawnRequest& request);

// How willingly the kernel ends this process when memory runs out; below 0: after all others.
int own_oom_score();

}  // namespace supervisor
