// What a command may not ask of the kernel, beyond what the supervisor's filter denies the whole
// worker: the mounts and namespaces that the launcher needs, and sockets to the outside.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace tools {

struct Sockets {
    bool internet = false;
    bool local = false;  // AF_UNIX by path: only where the run directory is hidden
};
std::vector<sock_filter> cell_filter(Sockets sockets);

}  // namespace tools
