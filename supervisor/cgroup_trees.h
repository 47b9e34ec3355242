// Finds the cgroup trees that this process may divide among its workers.
#pragma once

#include <string>

namespace supervisor {

enum class CgroupVersion { none, v1, v2 };

// Directories of our own group in each tree; empty where there is none.
struct CgroupTrees {
    CgroupVersion memory_version = CgroupVersion::none;
    std::string memory;
    std::string pids;
    // Version 2, with or without controllers: its groups can be ended as a whole.
    std::string unified;
};

// From the texts of /proc/self/mountinfo and /proc/self/cgroup.
CgroupTrees find_cgroup_trees(const std::string& mountinfo, const std::string& membership);

}  // namespace supervisor
