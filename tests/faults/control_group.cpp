#include "tests/faults/control_group.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/faults/supervised.h"
#include "tests/support/process_tree.h"

using namespace std::chrono_literals;

namespace {

constexpr const char* trees = "/sys/fs/cgroup/";
constexpr uint64_t no_limit = 1ULL << 60;  // version 1 writes the largest number for it

// Removes the groups below it, then the group itself.
bool remove_group(const std::string& path) {
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator(path, failure))
        if (entry.is_directory(failure)) remove_group(entry.path());
    return rmdir(path.c_str()) == 0 || errno == ENOENT;
}

std::optional<uint64_t> limit_in(const std::string& group, const char* file) {
    const auto limit = group.empty() ? std::nullopt : number_in(group + file);
    return limit && *limit < no_limit ? limit : std::nullopt;
}

}  // namespace

ControlGroup::ControlGroup(const std::string& controller) {
    static std::atomic<int> count{0};
    const std::string own = group_of(getpid(), controller);
    if (own.empty()) return;
    path_ = own + "/fault-" + std::to_string(getpid()) + "-" + std::to_string(++count);
    if (mkdir(path_.c_str(), 0755) == 0)
        door_ = Fd(open((path_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
}

ControlGroup::~ControlGroup() {
    door_.reset();
    if (!path_.empty()) eventually([&] { return remove_group(path_); }, 2s);
}

bool ControlGroup::set(const std::string& file, const std::string& value) const {
    return static_cast<bool>(std::ofstream(path_ + "/" + file) << value << std::flush);
}

std::optional<uint64_t> ControlGroup::number(const std::string& file) const {
    return number_in(path_ + "/" + file);
}

bool ControlGroup::take(pid_t process) const {
    return set("cgroup.procs", std::to_string(process));
}

void ControlGroup::enter() const {
    if (write(door_.get(), "0", 1) != 1) _exit(125);  // never outside of its limits
}

std::function<void()> view_of(Groups groups) {
    std::vector<std::string> all;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator(trees, failure))
        if (entry.is_directory(failure)) all.push_back(entry.path());
    return [groups, all] {
        int failed = unshare(CLONE_NEWNS);
        failed |= mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        if (groups == Groups::none) failed |= umount2(trees, MNT_DETACH);
        if (groups == Groups::not_ours)
            failed |= mount("none", trees, "tmpfs", MS_RDONLY, "size=4k");
        constexpr unsigned long to_be_read = MS_REMOUNT | MS_BIND | MS_RDONLY;
        if (groups == Groups::read_only)
            for (const std::string& tree : all)
                failed |= mount("none", tree.c_str(), nullptr, to_be_read, nullptr);
        if (failed != 0) _exit(125);
    };
}

std::string group_of(pid_t process, const std::string& controller) {
    std::istringstream list(read_proc(process, "cgroup"));
    for (std::string line; std::getline(list, line);) {
        const size_t first = line.find(':');
        const size_t second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        std::istringstream names(line.substr(first + 1, second - first - 1));
        for (std::string name; std::getline(names, name, ',');) {
            if (name != controller) continue;
            std::string group = trees + name + line.substr(second + 1);
            while (group.ends_with('/')) group.pop_back();
            if (std::filesystem::is_directory(group)) return group;
        }
    }
    return {};
}

std::optional<uint64_t> number_in(const std::string& path, const std::string& word) {
    std::ifstream file(path);
    std::string key = word;
    while (!word.empty() && file >> key && key != word) continue;
    uint64_t value = 0;
    return key == word && file >> value ? std::optional(value) : std::nullopt;
}

std::optional<uint64_t> memory_limit_of(pid_t process) {
    return limit_in(group_of(process, "memory"), "/memory.limit_in_bytes");
}

std::optional<uint64_t> task_limit_of(pid_t process) {
    return limit_in(group_of(process, "pids"), "/pids.max");
}
