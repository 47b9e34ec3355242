#include "supervisor/cgroup_trees.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace supervisor {

namespace {

struct Mount {
    std::string root;   // which part of the tree is mounted
    std::string point;  // where
    std::string type;
    std::vector<std::string> options;
};

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

bool holds(const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

// proc(5): id parent device root point options optional… - type source superblock-options
std::vector<Mount> cgroup_mounts(const std::string& mountinfo) {
    std::vector<Mount> mounts;
    for (const std::string& line : split(mountinfo, '\n')) {
        const size_t dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        const auto before = split(line.substr(0, dash), ' ');
        const auto after = split(line.substr(dash + 3), ' ');
        if (before.size() < 5 || after.size() < 3 || !after[0].starts_with("cgroup")) continue;
        mounts.push_back({before[3], before[4], after[0], split(after[2], ',')});
    }
    return mounts;
}

// The path of our group in the tree of that controller; "" names version 2.
std::string own_path(const std::string& membership, const std::string& controller) {
    for (const std::string& line : split(membership, '\n')) {
        const size_t first = line.find(':');
        const size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string names = line.substr(first + 1, second - first - 1);
        if (controller.empty() ? names.empty() : holds(split(names, ','), controller))
            return line.substr(second + 1);
    }
    return "/";
}

// In a container the mount may show only the container's part, under a path that is not ours to
// see: then its top is our group.
std::string directory_of(const Mount& mount, const std::string& path) {
    std::string below = path;
    if (mount.root != "/" && below.compare(0, mount.root.size(), mount.root) == 0)
        below.erase(0, mount.root.size());
    else if (mount.root != "/")
        below.clear();
    if (below == "/" || below.find("..") != std::string::npos) below.clear();
    return mount.point + below;
}

bool offers(const std::string& directory, const std::string& controller) {
    std::ifstream list(directory + "/cgroup.controllers");
    for (std::string name; list >> name;)
        if (name == controller) return true;
    return false;
}

}  // namespace

CgroupTrees find_cgroup_trees(const std::string& mountinfo, const std::string& membership) {
    CgroupTrees trees;
    for (const Mount& mount : cgroup_mounts(mountinfo)) {
        if (mount.type == "cgroup2") {
            trees.unified = directory_of(mount, own_path(membership, ""));
        } else if (holds(mount.options, "memory")) {
            trees.memory_version = CgroupVersion::v1;
            trees.memory = directory_of(mount, own_path(membership, "memory"));
        } else if (holds(mount.options, "pids")) {
            trees.pids = directory_of(mount, own_path(membership, "pids"));
        }
    }
    if (trees.unified.empty()) return trees;
    if (trees.memory_version == CgroupVersion::none && offers(trees.unified, "memory")) {
        trees.memory_version = CgroupVersion::v2;
        trees.memory = trees.unified;
    }
    if (trees.pids.empty() && offers(trees.unified, "pids")) trees.pids = trees.unified;
    return trees;
}

}  // namespace supervisor
