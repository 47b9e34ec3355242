#include "supervisor/memory_guard.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "workers/common/base/clock.h"

namespace supervisor {

namespace {

constexpr uint64_t shortage_percent = 8;        // of all memory still available
constexpr uint64_t enough_percent = 10;         // from here on a shortage is over
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

bool is_below(uint64_t percent, uint64_t available, uint64_t total) {
    return total > 0 && available * 100 < total * percent;
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
    for (const std::string& leftover : groups_.leftovers()) log_.say("warn", leftover);
}

// What is not there cannot be shared out, whoever wishes it.
SharedMemory MemoryGuard::to_share(const hardshell::proto::SupervisorSettings& settings) const {
    SharedMemory memory;
    const uint64_t machine = memory_line("MemTotal");
    const uint64_t wished = settings.memory_total_bytes();
    memory.total = std::min(machine, groups_.own_limit().value_or(machine));
    memory.total_is_wished = wished > 0 && (wished < memory.total || memory.total == 0);
    if (memory.total_is_wished) memory.total = wished;
    memory.wishes.assign(settings.memory().begin(), settings.memory().end());
    return memory;
}

void MemoryGuard::say_when_too_large(uint64_t wished, uint64_t shared) {
    const std::string remark = wished > shared
                                   ? "memory.total (" + mebibytes(wished) + ") is more than the " +
                                         mebibytes(shared) + " there are; " + mebibytes(shared) +
                                         " are shared out"
                                   : "";
    if (!remark.empty() && remark != remark_) log_.say("warn", remark);
    remark_ = remark;
}

Done MemoryGuard::plan(const hardshell::proto::Plan& plan) {
    std::vector<BudgetLine> lines;
    for (const auto& worker : plan.workers())
        if (const KindOfWorker* kind = find_kind(worker.kind()))
            lines.push_back({worker.name(), kind, {}});
    if (const KindOfWorker* planner = find_kind("planner"))
        lines.push_back({"planner", planner, {}});
    const SharedMemory memory = to_share(plan.supervisor());
    if (Done shared = share_out(memory, lines); !shared) return shared;
    budgets_ = std::move(lines);
    say_when_too_large(plan.supervisor().memory_total_bytes(), memory.total);
    const std::string text =
        "memory limits are " + groups_.mode() + ": " + describe(memory.total, budgets_);
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
std::string MemoryGuard::shortage(uint64_t percent) const {
    const auto only = [](uint64_t available, uint64_t total) {
        return " has only " + mebibytes(available) + " of " + mebibytes(total) + " left";
    };
    const uint64_t machine = memory_line("MemTotal");
    const uint64_t available = memory_line("MemAvailable");
    if (is_below(percent, available, machine)) return "the machine" + only(available, machine);
    const auto room = groups_.room();
    if (room && is_below(percent, room->available, room->limit))
        return "the group around this gateway" + only(room->available, room->limit);
    return {};
}

void MemoryGuard::see_whether_it_is_over() {
    if (!news_.is_known() || !shortage(enough_percent).empty()) return;
    (void)news_.ends();
    log_.say("", "there is enough memory again");
}

// Whoever can be missed and uses most of its share goes first; a critical one only when it is over
// its share.
void MemoryGuard::relieve_machine() {
    const std::string shortage = this->shortage(shortage_percent);
    if (shortage.empty()) return see_whether_it_is_over();
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
    const bool is_news = news_.begins();
    if (chosen) return chosen->drain(shortage);
    if (is_news) log_.say("warn", shortage + "; no worker of ours is over its share");
}

}  // namespace supervisor
