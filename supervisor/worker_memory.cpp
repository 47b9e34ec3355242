#include "supervisor/worker_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace supervisor {

namespace {

// Thread stacks and arenas count for RLIMIT_DATA as far as they reach, not as far as they are used.
constexpr uint64_t room_for_stacks = 96u << 20;
constexpr int deepest_family = 8;

uint64_t own_memory(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);) {
        unsigned long long kib = 0;
        if (std::sscanf(line.c_str(), "RssAnon: %llu kB", &kib) == 1) return kib << 10;
    }
    return 0;
}

uint64_t family_memory(pid_t pid, int depth) {
    uint64_t sum = own_memory(pid);
    const std::string self = std::to_string(pid);
    std::ifstream children("/proc/" + self + "/task/" + self + "/children");
    for (pid_t child = 0; depth < deepest_family && children >> child;)
        sum += family_memory(child, depth + 1);
    return sum;
}

// Processes that the kernel has killed for memory since the machine started; 0 when it does not
// say.
uint64_t machine_kills() {
    std::ifstream file("/proc/vmstat");  // in a loop: it may be longer than one read gives
    std::string name;
    for (uint64_t value = 0; file >> name >> value;)
        if (name == "oom_kill") return value;
    return 0;
}

}  // namespace

void WorkerMemory::set_budget(const MemoryBudget& budget) {
    budget_ = budget;
    if (group_) (void)group_->limit(budget_, most_tasks_);
}

Done WorkerMemory::begin() {
    if (group_) group_->thaw();
    watch_ = MemoryWatch();
    known_kills_ = seen_kills_ = kills();
    known_refusals_ = group_ ? group_->memory_refusals() : 0;
    return group_ ? group_->limit(budget_, most_tasks_) : Done();
}

std::vector<int> WorkerMemory::doors() const {
    return group_ ? group_->doors() : std::vector<int>();
}

uint64_t WorkerMemory::data_limit() const {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 0;  // the shadow memory alone reaches for terabytes
#else
    return kernel_limits_ || budget_.limit == 0 ? 0 : budget_.limit + room_for_stacks;
#endif
}

uint64_t WorkerMemory::used(pid_t pid) const {
    if (pid <= 0) return 0;
    if (group_)
        if (const auto used = group_->used()) return *used;
    return family_memory(pid, 0);
}

MemoryAction WorkerMemory::sample(pid_t pid, int64_t now_ms) {
    last_ = used(pid);
    return watch_.sample(last_, budget_, now_ms);
}

// In the group where there is one: that is exact.
uint64_t WorkerMemory::kills() const {
    return group_ && group_->limits_memory() ? group_->memory_kills() : machine_kills();
}

bool WorkerMemory::new_kills() {
    if (!group_ || !group_->limits_memory()) return false;
    const uint64_t now = kills();
    const bool is_settled = now == std::exchange(seen_kills_, now);
    if (!is_settled || now <= known_kills_) return false;
    // A later end of the worker is not explained by them.
    known_refusals_ = group_->memory_refusals();
    known_kills_ = now;
    return true;
}

void WorkerMemory::tell(Life& life) const {
    life.budget = budget_;
    life.memory_peak = watch_.peak();
    const bool killed = kills() > known_kills_;
    // A kill for the machine, or for a group around all of us, counts in the worker's group too.
    life.killed_in_its_group = killed && group_ && group_->memory_refusals() > known_refusals_;
    life.killed_on_machine = killed && !life.killed_in_its_group;
    // Sampled once a second: whoever the kernel stopped at the limit has reached it.
    if (life.killed_in_its_group) life.memory_peak = std::max(life.memory_peak, budget_.limit);
}

}  // namespace supervisor
