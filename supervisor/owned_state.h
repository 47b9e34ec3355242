// The state directory and the run directory made ready, and the proof that nobody else uses them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "supervisor/directories.h"
#include "supervisor/state_lock.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace supervisor {

struct OwnedState {
    UserIsolation isolation;
    Fd directory;
    StateLock lock;
    std::vector<std::string> remarks;  // what was taken over or removed, for the log

    // One name per state directory on this machine, the same in every life: two gateways never
    // share control groups, and one finds what its former life left behind.
    std::string key() const;
    // Nobody needs to take it over from us.
    void release();
};

struct StatePlaces {
    std::string state_dir;
    std::string config_path;
    std::string run_dir;
    std::vector<std::string> environment;  // "NAME=value": where stock OpenClaw keeps its locks
};

// Waits up to 5 s for a live owner to go, as OpenClaw does. An error names the owner or the cure.
Result<OwnedState> take_state(const StatePlaces& places);

}  // namespace supervisor
