// The launcher: the half of the tools worker that keeps the rights to make cells, and reads nothing
// but the desk's orders (proto/tools_launcher.proto).
//
// Forked before the worker has read anything from outside. When the desk is gone it ends with all
// its cells.
#pragma once

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace tools {

// Forks it; this process's end of the socket. Only while there is one thread. The child keeps no
// other descriptor of this process and never returns.
Result<Fd> fork_launcher();
// What is left to this process once the launcher is there: no rights, nothing that it could gain,
// and nothing of what the supervisor's filter leaves to the launcher.
void renounce_rights();

}  // namespace tools
