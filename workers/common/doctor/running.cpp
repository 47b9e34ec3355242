// What the running gateway tells about itself, its workers and its machine.

#include <algorithm>
#include <cctype>
#include <fstream>

#include "workers/common/doctor/running.h"
#include "workers/common/doctor/words.h"

namespace doctor {

namespace {

using hardshell::proto::Layer;
using hardshell::proto::StatusReport;
using hardshell::proto::WorkerStatus;

// A limit of which this much is used, in percent, will soon be met.
constexpr uint64_t nearly_full = 90;

struct Cure {
    std::string_view word;  // in the name of the layer, or of the cause of death
    const char* cure;       // {} stands for the worker
};

constexpr const char* more_memory =
    "give it more: memory.workers.{}.limit in hardshell.json, or a larger machine";
// The causes are those of supervisor/obituary.cpp. The first row that fits.
constexpr Cure worker_cures[] = {
    {"machine_oom",
     "give the machine more memory, or end what else uses it: no limit of {} was in the way"},
    {"oom", more_memory},
    {"memory", more_memory},
    {"storage",
     "delete what is not needed or make the volume larger; if it is read-only, the kernel's "
     "log says why"},
    {"taken", "end the program that uses the same account, then `hardshell restart {}`"},
    {"config", "correct what it names, then `hardshell restart {}`"},
    {"credential", "correct the key or token, then `hardshell restart {}`"},
};
constexpr Cure layer_cures[] = {
    {"user",
     "start as root, with a state directory that other users can pass (OPENCLAW_STATE_DIR=/data)"},
    {"cgroup", "mount a cgroup hierarchy that can be written, or choose limits with room to spare"},
    {"memory", "mount a cgroup hierarchy that can be written, or choose limits with room to spare"},
    {"landlock", "use a kernel with Landlock (5.13 or later, lsm=landlock)"},
    {"syscall", "use a kernel with seccomp filters (CONFIG_SECCOMP_FILTER)"},
    {"seccomp", "use a kernel with seccomp filters (CONFIG_SECCOMP_FILTER)"},
    {"spared", "give the container CAP_SYS_RESOURCE (docker run --cap-add SYS_RESOURCE)"},
    {"task", "mount a pids control group that can be written"},
};

constexpr Cure cures_of_missing[] = {
    {"did not start with its new configuration",
     "see `hardshell logs {}`, correct what it names, then `hardshell restart {}`"},
    {"goes without metrics",
     "make that port free, or choose another metrics.port in hardshell.json, then `hardshell "
     "restart {}`"},
};

template <size_t Count>
std::string cure_for(const Cure (&cures)[Count], std::string name, const std::string& worker) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    for (const Cure& row : cures) {
        if (name.find(row.word) == std::string::npos) continue;
        std::string cure = row.cure;
        for (size_t at = cure.find("{}"); at != std::string::npos; at = cure.find("{}"))
            cure.replace(at, 2, worker);
        return cure;
    }
    return {};
}

std::string times(uint64_t count) {
    return count == 1 ? "once" : std::to_string(count) + " times";
}

Finding judge_worker(const WorkerStatus& worker) {
    const std::string state(state_name(worker.state()));
    const std::string last = last_error(worker);
    const std::string why = last.empty() ? "" : "; last: " + last;
    if (worker.state() == WorkerStatus::READY)
        return {
            Weight::good, "worker " + worker.name(),
            worker.restarts() == 0 ? "ready" : "ready, restarted " + times(worker.restarts()) + why,
            ""};
    if (worker.state() == WorkerStatus::STOPPED)
        return {Weight::problem, "worker " + worker.name(), "it is stopped" + why,
                "`hardshell start " + worker.name() + "` starts it"};
    std::string cure = cure_for(worker_cures, worker.last_cause(), worker.name());
    if (cure.empty())
        cure = worker.state() == WorkerStatus::HELD
                   ? "correct what it names, then `hardshell restart " + worker.name() + "`"
                   : "see `hardshell status " + worker.name() + "` and `hardshell logs " +
                         worker.name() + "`";
    return {Weight::problem, "worker " + worker.name(),
            "it is " + state + (last.empty() ? "" : ": " + last), cure};
}

Findings judge_log(const StatusReport& status) {
    Findings found;
    if (status.log_lines_dropped() > 0)
        found.push_back({Weight::note, "log",
                         std::to_string(status.log_lines_dropped()) +
                             " lines were lost because standard output was not read",
                         "see to whoever reads it; `hardshell logs` has the last ones"});
    for (const WorkerStatus& worker : status.workers())
        if (worker.log_lines_suppressed() > 0)
            found.push_back({Weight::note, "log",
                             std::to_string(worker.log_lines_suppressed()) + " lines of " +
                                 worker.name() + " were left out because there were too many",
                             "raise log.linesPerSecond in hardshell.json if you need them"});
    return found;
}

Findings judge_tunnel(const StatusReport& status) {
    if (!status.has_public_url()) return {};
    const auto& url = status.public_url();
    const std::string what = tunnel_in_words(url);
    if (url.state() == hardshell::proto::PublicUrl::UP && url.problem().empty())
        return {{Weight::good, "tunnel", what, ""}};
    return {{Weight::problem, "tunnel", what,
             "see `hardshell logs tunnel`; until it is up the internet does not reach what it "
             "leads to"}};
}

Finding judge_layer(const Layer& layer) {
    const std::string detail = layer.detail().empty() ? "" : ": " + layer.detail();
    if (layer.holds()) return {Weight::good, "layer " + layer.name(), "holds" + detail, ""};
    return {Weight::note, "layer " + layer.name(), "missing" + detail,
            cure_for(layer_cures, layer.name(), "")};
}

Findings judge_volume(const hardshell::proto::VolumeState& volume) {
    using hardshell::proto::VolumeState;
    if (volume.level() == VolumeState::LEVEL_UNKNOWN) return {};
    if (volume.level() == VolumeState::ROOM)
        return {{Weight::good, "volume",
                 std::to_string(used_percent(volume)) + " % of " + size(volume.total_bytes()) +
                     " are used",
                 ""}};
    return {{Weight::problem, "volume", volume.what(),
             volume.level() == VolumeState::READ_ONLY
                 ? "make the file system writable"
                 : "delete what is not needed, or make the volume larger (fly volumes extend); "
                   "ops/runbooks/volume-fills.md"}};
}

Findings judge_usage(const WorkerStatus& worker) {
    const uint64_t limit = worker.memory_limit_bytes();
    if (limit == 0 || worker.memory_bytes() < limit / 100 * nearly_full) return {};
    return {{Weight::problem, "memory of " + worker.name(),
             "it uses " + memory_of_limit(worker) + ", and dies when that is full",
             cure_for(worker_cures, "memory", worker.name())}};
}

}  // namespace

const char* name_of(Weight weight) {
    return weight == Weight::good ? "ok" : weight == Weight::note ? "note" : "problem";
}

void append_new(Findings& all, const Findings& part) {
    for (const Finding& finding : part) {
        const bool said = std::any_of(all.begin(), all.end(), [&](const Finding& before) {
            return before.subject == finding.subject &&
                   before.what.find(finding.what) != std::string::npos;
        });
        if (!said || finding.weight == Weight::good) all.push_back(finding);
    }
}

Findings judge_status(const Result<StatusReport>& status) {
    if (!status) return {{Weight::problem, "gateway", status.error().what, ""}};
    const std::string process = "running as process " + std::to_string(status->pid());
    if (status->port() == 0)
        return {{Weight::problem, "gateway", process + ", but it has no plan to follow",
                 "see `hardshell logs`"}};
    Findings found = {
        {Weight::good, "gateway",
         process + " on port " + std::to_string(status->port()) + ", bind " + status->bind(), ""}};
    if (!status->degraded().empty())
        found.push_back(
            {Weight::problem, "configuration", status->degraded(),
             std::string(correct_it) + "; until then it runs with " +
                 (status->plan_source() == "none" ? "no configuration"
                                                  : "the last one that could be used")});
    for (const WorkerStatus& worker : status->workers()) found.push_back(judge_worker(worker));
    for (const Finding& finding : judge_tunnel(*status)) found.push_back(finding);
    for (const Finding& finding : judge_log(*status)) found.push_back(finding);
    return found;
}

Findings judge_machine(const StatusReport& status) {
    Findings found = judge_volume(status.volume());
    for (const Layer& layer : status.layers()) found.push_back(judge_layer(layer));
    for (const std::string& missing : status.missing()) {
        // What a layer or the volume says about itself need not be said again.
        const bool said =
            missing == status.volume().what() ||
            std::any_of(status.layers().begin(), status.layers().end(), [&](const Layer& layer) {
                return !layer.detail().empty() && missing.find(layer.detail()) != std::string::npos;
            });
        // Each begins with the worker that it is about; where no row fits the text has the cure.
        if (!said)
            found.push_back(
                {Weight::problem, "this machine", missing,
                 cure_for(cures_of_missing, missing, missing.substr(0, missing.find(' ')))});
    }
    return found;
}

Findings judge_memory(const StatusReport& status, uint64_t machine_bytes) {
    uint64_t limits = 0;
    Findings found;
    for (const WorkerStatus& worker : status.workers()) {
        limits += worker.memory_limit_bytes();
        for (const Finding& finding : judge_usage(worker)) found.push_back(finding);
    }
    if (limits == 0) return found;
    const std::string mode = status.memory_mode().empty() ? "" : " (" + status.memory_mode() + ")";
    const std::string sum = "limits of " + size(limits) + " in all" + mode;
    if (machine_bytes == 0)
        found.push_back({Weight::good, "memory", sum, ""});
    else if (limits <= machine_bytes)
        found.push_back(
            {Weight::good, "memory", sum + " on a machine of " + size(machine_bytes), ""});
    else
        found.push_back({Weight::problem, "memory",
                         sum + ", more than this machine's " + size(machine_bytes) +
                             ": it may be full before any worker meets its limit",
                         "lower memory.total or memory.workers.*.limit in hardshell.json, or take "
                         "a larger machine"});
    return found;
}

uint64_t machine_memory() {
    std::ifstream file("/proc/meminfo");
    std::string name, rest;
    for (uint64_t kib = 0; file >> name >> kib; std::getline(file, rest))
        if (name == "MemTotal:") return kib * 1024;
    return 0;
}

}  // namespace doctor
