// What a worker may ask of the kernel, as a seccomp filter made from a table: nothing that would
// let it look into other processes, change the machine, make its own namespaces or load code into
// the kernel, and no network that its kind does not need. Denied calls fail with an errno, so that
// libraries take their other way; those of another architecture end the process.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "supervisor/roster.h"

namespace supervisor {

// `may_isolate`: may make namespaces and mounts.
std::vector<sock_filter> syscall_filter(Network network, bool may_isolate = false);

// Whether this kernel takes such a filter.
bool can_filter_syscalls();

}  // namespace supervisor
