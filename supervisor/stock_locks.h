// Lock files that stock OpenClaw left behind, or still holds.
//
// OpenClaw does not remove its lock when it is told to stop, and on a volume the file outlives the
// machine's boot. A lock counts only while the process it names is the one that wrote it and is an
// OpenClaw; any other is removed. Files are foreign bytes: no symbolic link is followed, no more
// than 4 KiB is read, nothing but two numbers and a path is understood.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/result.h"

namespace supervisor {

struct StockLockPlaces {
    std::string temporary_dir;  // shared by everybody: a lock in it may be for another config file
    std::string state_dir;
    std::string config_path;
};

// Where Node.js would put temporary files, from variables "NAME=value".
std::string node_temporary_dir(const std::vector<std::string>& environment);

// Removes the stale ones; one line for the log about each. Waits at most that long for a live
// OpenClaw to end; `busy` names its pid.
Result<std::vector<std::string>> clear_stock_locks(const StockLockPlaces& places,
                                                   std::chrono::milliseconds patience);

// What stands in a lock; 0 and "" for what does not.
struct StockLock {
    uint64_t pid = 0;
    uint64_t start_time = 0;  // field 22 of /proc/<pid>/stat
    std::string config_path;
};
// Nothing when it is no JSON object.
std::optional<StockLock> parse_stock_lock(std::string_view json);

}  // namespace supervisor
