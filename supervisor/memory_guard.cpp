#include "supervisor/memory_guard.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "workers/common/base/clock.h"

namespace supervisor {

namespace {

constexpr uint64_t shortage_percent = 8;        // of all memory still available
constexpr int64_t between_reliefs_ms = 15'000;  // a replaced worker gives back within seconds

// A line of /proc/meminfo in bytes; 0 when it is not there.
uint64_t memory_line(const std::string& name) {
    std::ifstream file("/proc/meminfo");
    std::string key;
    std::string unit;
    for (uint64_t value = 0; file >> key >> value && std::getline(file, unit);)
        if (key == name + ":") return value << 10;
    return 0;
}

bool is_short(uint64_t available, uint64_t total) {
    return total > 0 && available * 100 < total * shortage_percent;
}

std::string content_of(const char* path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

void MemoryGuard::open(const std::string& key) {
    groups_ = Cgroups::open(
        find_cgroup_trees(content_of("/proc/self/mountinfo"), content_of("/proc/self/cgroup")),
        key);
}

uint64_t MemoryGuard::total(const hardshell::proto::SupervisorSettings& settings) const {
    if (settings.memory_total_bytes() > 0) return settings.memory_total_bytes();
    const uint64_t machine = memory_line("MemTotal");
    return std::min(machine, groups_.own_limit().value_or(machine));
}

Done MemoryGuard::plan(const hardshell::proto::Plan& plan) {
    std::vector<BudgetLine> lines;
    for (const auto& worker : plan.workers())
        if (const KindOfWorker* kind = find_kind(worker.kind()))
            lines.push_back({worker.name(), kind, {}});
    if (const KindOfWorker* planner = find_kind("planner"))
        lines.push_back({"planner", planner, {}});
    const auto& settings = plan.supervisor();
    const uint64_t bytes = total(settings);
    if (Done shared = share_out(bytes, {settings.memory().begin(), settings.memory().end()}, lines);
        !shared)
        return shared;
    budgets_ = std::move(lines);
    const std::string text = "memory by " + groups_.mode() + ": " + describe(bytes, budgets_);
    if (text != described_) log_.say("", text);
    described_ = text;
    return {};
}

std::unique_ptr<Cgroup> MemoryGuard::group_for(const std::string& worker) const {
    std::string name = worker;
    std::replace(name.begin(), name.end(), '/', '_');
    return groups_.make(name);
}

MemoryBudget MemoryGuard::budget_of(const std::string& worker) const {
    for (const BudgetLine& line : budgets_)
        if (line.worker == worker) return line.budget;
    return {};
}

void MemoryGuard::apply() const {
    for (const auto& worker : workers_) worker->set_budget(budget_of(worker->name()));
}

void MemoryGuard::check() {
    for (const auto& worker : workers_) worker->check_memory();
    relieve_machine();
}

// Empty while there is enough. A container may be full long before its machine is.
std::string MemoryGuard::shortage() const {
    const auto only = [](uint64_t available, uint64_t total) {
        return " has only " + mebibytes(available) + " of " + mebibytes(total) + " left";
    };
    const uint64_t machine = memory_line("MemTotal");
    const uint64_t available = memory_line("MemAvailable");
    if (is_short(available, machine)) return "the machine" + only(available, machine);
    const auto room = groups_.room();
    if (room && is_short(room->available, room->limit))
        return "the group around this gateway" + only(room->available, room->limit);
    return {};
}

// Whoever can be missed and uses most of its share goes first; a critical one only when it is over
// its share.
void MemoryGuard::relieve_machine() {
    const std::string shortage = this->shortage();
    if (shortage.empty()) return;
    const int64_t now = monotonic_ms();
    if (relieved_ms_ != 0 && now - relieved_ms_ < between_reliefs_ms) return;
    relieved_ms_ = now;
    WorkerProcess* chosen = nullptr;
    for (const auto& worker : workers_) {
        const double fill = worker->fill();
        if (fill <= 0 || (worker->kind().critical && fill < 1)) continue;
        if (!chosen || chosen->kind().critical > worker->kind().critical ||
            (chosen->kind().critical == worker->kind().critical && fill > chosen->fill()))
            chosen = worker.get();
    }
    if (chosen) return chosen->drain(shortage);
    log_.say("warn", shortage + "; no worker of ours is over its share");
}

}  // namespace supervisor
