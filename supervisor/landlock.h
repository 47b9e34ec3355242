// Where a worker may write: below its own directories and nowhere else, whatever user it has and
// whatever the permissions there say (Landlock, Linux 5.13).
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace supervisor {

// The version of the kernel's interface; 0 when it has none, or it is switched off.
int landlock_version();

// A ruleset for SpawnRequest::confinement: files and directories may be made, written and removed
// below these directories only; a directory that does not exist is left out. /dev/null may be
// written to. Reading is not restricted: that is what users and permissions are for.
// `relative_to` is the directory that relative paths begin at.
Result<Fd> write_confinement(int relative_to, const std::vector<std::string>& directories);

}  // namespace supervisor
