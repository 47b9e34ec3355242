#include "supervisor/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>

namespace supervisor {

namespace {

// What each version calls things. An empty name: it has no such thing.
struct Names {
    // Who writes "0" there is inside. The kernel moves a whole process only after a grace period
    // (12 ms, in which the supervisor stands still in vfork), a single thread at once (0.02 ms;
    // 5.5); a new process is its only thread.
    const char* door;
    const char* limit;
    const char* soft = "";         // the kernel slows the group down beyond it
    const char* whole_group = "";  // a kill for memory takes the whole group
    const char* swap = "";
    const char* usage;       // with page cache
    const char* own_memory;  // in memory.stat, as the two of the page cache
    const char* cache[2];
    const char* kills_file;
    const char* refusals_file;
    const char* refusals =
        "";  // how often its own limit was in the way; "": the file's only number
};
constexpr Names version_1 = {
    .door = "tasks",
    .limit = "memory.limit_in_bytes",
    .usage = "memory.usage_in_bytes",
    .own_memory = "total_rss",
    .cache = {"total_inactive_file", "total_active_file"},
    .kills_file = "memory.oom_control",
    .refusals_file = "memory.failcnt",
};
constexpr Names version_2 = {
    .door = "cgroup.procs",
    .limit = "memory.max",
    .soft = "memory.high",
    .whole_group = "memory.oom.group",
    .swap = "memory.swap.max",
    .usage = "memory.current",
    .own_memory = "anon",
    .cache = {"inactive_file", "active_file"},
    .kills_file = "memory.events",
    .refusals_file = "memory.events",
    .refusals = "oom",
};

const Names& names_of(CgroupVersion version) {
    return version == CgroupVersion::v2 ? version_2 : version_1;
}

constexpr int kill_turns = 20;  // of a millisecond
constexpr int move_turns = 3;
constexpr const char* companions = "supervisor";  // the group of who was in ours, and of us
// "No limit" of version 1 is the largest multiple of a page; nothing real is larger than this.
constexpr uint64_t no_limit = 1ULL << 60;

Done write_file(const std::string& path, const std::string& text) {
    const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || write(file.get(), text.data(), text.size()) < 0)
        return system_error("cannot write " + text + " to " + path, errno);
    return {};
}

std::optional<uint64_t> number_after(const std::string& path, const std::string& key) {
    std::ifstream file(path);
    std::string name;
    for (uint64_t value = 0; (key.empty() || file >> name) && file >> value;)
        if (name == key) return value;
    return {};
}

// No process in these groups can make another one while this lives.
class NoForks {
  public:
    explicit NoForks(const std::string& pids) : file_(pids.empty() ? "" : pids + "/pids.max") {
        if (file_.empty() || !std::getline(std::ifstream(file_), before_)) return;
        (void)write_file(file_, "0");
    }
    NoForks(const NoForks&) = delete;
    NoForks& operator=(const NoForks&) = delete;
    ~NoForks() {
        if (!before_.empty()) (void)write_file(file_, before_);
    }

  private:
    std::string file_;
    std::string before_;
};

bool make_group(const std::string& path) {
    return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

// 0 stands for one outside of our process namespace.
std::vector<pid_t> members_of(const std::string& group) {
    std::vector<pid_t> pids;
    std::ifstream list(group + "/cgroup.procs");
    for (pid_t pid = 0; list >> pid;) pids.push_back(pid);
    return pids;
}

void kill_members(const std::string& group) {
    for (const pid_t pid : members_of(group))
        if (pid > 1 && pid != getpid()) ::kill(pid, SIGKILL);
}

std::vector<std::string> groups_below(const std::string& group) {
    std::vector<std::string> names;
    DIR* listing = opendir(group.c_str());
    if (!listing) return names;
    while (const dirent* entry = readdir(listing))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    closedir(listing);
    return names;
}

std::string below(const std::string& tree, const std::string& name) {
    return tree.empty() ? "" : tree + "/" + name;
}

// Ends who is in it, and the group.
Done end_group(const std::string& group) {
    const NoForks closed(group);
    for (int turn = 0; turn < kill_turns; ++turn) {
        if (rmdir(group.c_str()) == 0 || errno == ENOENT) return {};
        kill_members(group);
        poll(nullptr, 0, 1);
    }
    if (rmdir(group.c_str()) == 0) return {};
    return system_error(
        "the control group " + group +
            " of an earlier gateway cannot be removed, and what is in it may still run",
        errno);
}

// What an earlier gateway left in its groups; not who stood beside it.
void clear(const std::string& ours, std::vector<std::string>& leftovers) {
    for (const std::string& name : groups_below(ours))
        if (name != companions)
            if (const Done ended = end_group(ours + "/" + name); !ended)
                leftovers.push_back(ended.error().what);
}

std::string process_name(pid_t pid) {
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
    return pid == 0       ? "a process outside of this container"
           : name.empty() ? "process " + std::to_string(pid)
                          : "process " + std::to_string(pid) + " (" + name + ")";
}

// Some may come while others are moved.
Done move_all(const std::string& from, const std::string& to) {
    for (int turn = 0; turn < move_turns; ++turn)
        for (const pid_t pid : members_of(from)) {
            const Done moved = pid == 0 ? Done(Error{Fault::system, "", ESRCH})
                                        : write_file(to + "/cgroup.procs", std::to_string(pid));
            if (!moved && (pid == 0 || moved.error().sys != ESRCH))
                return system_error(
                    process_name(pid) + " is in our control group " + from + " and cannot be moved",
                    moved.error().sys);
        }
    return {};
}

Done enable(const std::string& group) {
    return write_file(group + "/cgroup.subtree_control", "+memory +pids");
}

// The topmost group is the only one that may have processes and divide its memory; it has no type.
bool must_be_empty(const std::string& group) {
    return access((group + "/cgroup.type").c_str(), F_OK) == 0 && !members_of(group).empty();
}

// Version 2 gives controllers only to the children of a group without processes of its own: who is
// in ours (we, an init, a wrapper) moves one down.
Done hand_down(const std::string& own, const std::string& ours) {
    const std::string leaf = below(ours, companions);
    if (must_be_empty(own)) {
        if (!make_group(leaf)) return system_error("cannot make the control group " + leaf, errno);
        if (Done moved = move_all(own, leaf); !moved) return moved;
    }
    if (Done enabled = enable(own); !enabled) return enabled;
    return enable(ours);
}

// All that hand_down did. What is left of it is said.
Done take_back(const std::string& own, const std::string& ours) {
    const std::string leaf = below(ours, companions);
    if (access(leaf.c_str(), F_OK) != 0) return {};
    for (const std::string& group : {ours, own})
        (void)write_file(group + "/cgroup.subtree_control", "-memory -pids");
    const Done moved = move_all(leaf, own);
    rmdir(leaf.c_str());
    return moved;
}

// Our own group, also where a former life of ours has moved us one down.
std::string without_companions(const std::string& tree, const std::string& name) {
    const std::string tail = "/" + name + "/" + companions;
    return tree.ends_with(tail) ? tree.substr(0, tree.size() - tail.size()) : tree;
}

std::string watched(bool found, const std::string& why) {
    std::string text = "looked at once a second: ";
    text += found ? "the memory groups of this machine may not be divided by us"
                  : "this machine has no memory groups";
    return why.empty() ? text : text + " (" + why + "; start Hardshell in a group of its own)";
}

}  // namespace

Cgroup::Cgroup(CgroupVersion memory_version, std::string memory, std::string pids,
               std::string unified)
    : memory_version_(memory_version),
      memory_(std::move(memory)),
      pids_(std::move(pids)),
      unified_(std::move(unified)) {}

// Again where one is missing: making it may have failed, or somebody removed it.
Done Cgroup::make() {
    for (const std::string& group : std::set<std::string>{memory_, pids_, unified_}) {
        if (group.empty() || access(group.c_str(), F_OK) == 0) continue;
        doors_.clear();
        if (!make_group(group))
            return system_error("cannot make the control group " + group, errno);
    }
    if (!doors_.empty()) return {};
    for (const std::string& group : std::set<std::string>{memory_, pids_, unified_}) {
        if (group.empty()) continue;
        const Names& names = group == unified_ ? version_2 : names_of(memory_version_);
        Fd door(::open((group + "/" + names.door).c_str(), O_WRONLY | O_CLOEXEC));
        if (!door) return system_error("cannot open the control group " + group, errno);
        doors_.push_back(std::move(door));
    }
    return {};
}

Cgroup::~Cgroup() {
    for (const std::string* group : {&memory_, &pids_, &unified_})
        if (!group->empty()) rmdir(group->c_str());
}

Done Cgroup::limit(const MemoryBudget& budget, int most_tasks) {
    if (Done made = make(); !made) return made;
    const Names& names = names_of(memory_version_);
    if (!memory_.empty() && budget.limit > 0) {
        if (Done done = write_file(memory_ + "/" + names.limit, std::to_string(budget.limit));
            !done)
            return done;
        if (*names.soft) (void)write_file(memory_ + "/" + names.soft, std::to_string(budget.soft));
        if (*names.whole_group) (void)write_file(memory_ + "/" + names.whole_group, "1");
        if (*names.swap) (void)write_file(memory_ + "/" + names.swap, "0");
    }
    if (!pids_.empty()) return write_file(pids_ + "/pids.max", std::to_string(most_tasks));
    return {};
}

std::vector<int> Cgroup::doors() const {
    std::vector<int> doors;
    for (const Fd& door : doors_) doors.push_back(door.get());
    return doors;
}

std::optional<uint64_t> Cgroup::used() const {
    if (memory_.empty()) return {};
    return number_after(memory_ + "/memory.stat", names_of(memory_version_).own_memory);
}

uint64_t Cgroup::memory_kills() const {
    if (memory_.empty()) return 0;
    return number_after(memory_ + "/" + names_of(memory_version_).kills_file, "oom_kill")
        .value_or(0);
}

uint64_t Cgroup::memory_refusals() const {
    if (memory_.empty()) return 0;
    const Names& names = names_of(memory_version_);
    return number_after(memory_ + "/" + names.refusals_file, names.refusals).value_or(0);
}

std::vector<pid_t> Cgroup::members() const {
    for (const std::string* group : {&unified_, &pids_, &memory_})
        if (!group->empty()) return members_of(*group);
    return {};
}

void Cgroup::thaw() const {
    const std::string file = unified_ + "/cgroup.freeze";
    if (!unified_.empty() && access(file.c_str(), F_OK) == 0) (void)write_file(file, "0");
}

bool Cgroup::kill() const {
    const NoForks closed(pids_);  // not each kernel can end all at once
    for (int turn = 0; turn < kill_turns; ++turn) {
        const std::vector<pid_t> inside = members();
        if (inside.empty()) return true;
        // At once where the kernel can (5.14).
        if (unified_.empty() || !write_file(unified_ + "/cgroup.kill", "1"))
            for (const pid_t pid : inside)
                if (pid > 1) ::kill(pid, SIGKILL);
        poll(nullptr, 0, 1);
    }
    return members().empty();
}

Cgroups Cgroups::open(const CgroupTrees& found_trees, const std::string& key) {
    Cgroups cgroups;
    const std::string name = "hardshell-" + key;
    CgroupTrees trees = found_trees;
    for (std::string* tree : {&trees.memory, &trees.pids, &trees.unified})
        *tree = without_companions(*tree, name);
    cgroups.trees_ = trees;
    const auto take = [&](const std::string& tree) {
        const std::string ours = below(tree, name);
        if (ours.empty() || !make_group(ours) || access(ours.c_str(), W_OK) != 0)
            return std::string();
        clear(ours, cgroups.leftovers_);
        return ours;
    };
    const bool one_tree = trees.memory_version == CgroupVersion::v2;
    std::string why;
    // First the tree in which nobody forks while its groups are ended.
    if (trees.pids != trees.unified) cgroups.pids_ = take(trees.pids);
    if (trees.memory_version == CgroupVersion::v1) cgroups.memory_ = take(trees.memory);
    // Where version 1 can do all, its groups are entered sooner.
    if (cgroups.memory_.empty() || cgroups.pids_.empty()) cgroups.unified_ = take(trees.unified);
    if (one_tree && !cgroups.unified_.empty()) why = cgroups.divide();
    const bool found = !trees.memory.empty() || !trees.unified.empty();
    cgroups.mode_ = cgroups.memory_.empty()    ? watched(found, why)
                    : one_tree                 ? "kept by the kernel (cgroup v2)"
                    : cgroups.unified_.empty() ? "kept by the kernel (cgroup v1)"
                                               : "kept by the kernel (cgroup v1, ended through v2)";
    return cgroups;
}

// Why that was not possible; empty: it is divided.
std::string Cgroups::divide() {
    const Done divided = hand_down(trees_.unified, unified_);
    if (divided) {
        memory_ = pids_ = unified_;
        return {};
    }
    const Done back = take_back(trees_.unified, unified_);
    return divided.error().what + (back ? "" : "; " + back.error().what);
}

std::unique_ptr<Cgroup> Cgroups::make(const std::string& worker) const {
    if (memory_.empty() && pids_.empty() && unified_.empty()) return nullptr;
    return std::make_unique<Cgroup>(trees_.memory_version, below(memory_, worker),
                                    below(pids_, worker), below(unified_, worker));
}

std::optional<uint64_t> Cgroups::own_limit() const {
    if (trees_.memory_version == CgroupVersion::v1) {
        const auto limit =
            number_after(trees_.memory + "/memory.stat", "hierarchical_memory_limit");
        return limit && *limit < no_limit ? limit : std::nullopt;
    }
    std::optional<uint64_t> least;
    // Ours and those above, as far as they are to be seen.
    for (std::string group = trees_.memory; group.size() > 1;
         group.erase(std::min(group.size(), group.rfind('/')))) {
        std::ifstream file(group + "/memory.max");
        uint64_t limit = 0;
        if (file >> limit) least = std::min(least.value_or(limit), limit);
    }
    return least;
}

std::optional<MemoryRoom> Cgroups::room() const {
    std::optional<MemoryRoom> least;
    const Names& names = names_of(trees_.memory_version);
    for (std::string group = trees_.memory; group.size() > 1; group.erase(group.rfind('/'))) {
        const auto limit = number_after(group + "/" + names.limit, "");
        if (!limit || *limit == 0 || *limit >= no_limit) continue;
        uint64_t used = number_after(group + "/" + names.usage, "").value_or(0);
        for (const char* kind : names.cache)
            used -= std::min(used, number_after(group + "/memory.stat", kind).value_or(0));
        const MemoryRoom room{*limit, *limit - std::min(*limit, used)};
        if (!least || room.available < least->available) least = room;
    }
    return least;
}

void Cgroups::close() {
    if (trees_.memory_version == CgroupVersion::v2 && !memory_.empty())
        (void)take_back(trees_.unified, unified_);
    for (const std::string* group : {&memory_, &pids_, &unified_})
        if (!group->empty()) rmdir(group->c_str());
}

}  // namespace supervisor
