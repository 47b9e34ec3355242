// One owner per state directory.
//
// The kernel holds the lock and lets go of it with the process; what stands in the file is
// information for people. Where two processes can both write the directory without seeing each
// other's locks (two machines, a network file system) this protects nothing.
#pragma once

#include <chrono>
#include <string>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace supervisor {

struct StateLock {
    Fd file;                // holds the lock
    std::string reclaimed;  // not empty: whose stale lock was taken over, for the log
};

// `directory`: an open descriptor of the state directory, `file`: the path of the lock in it; both
// are locked, since a file can be removed. Waits at most that long for another owner to end: a
// restart may overlap. `busy` names its pid.
Result<StateLock> lock_state(int directory, const std::string& file,
                             std::chrono::milliseconds patience);

}  // namespace supervisor
