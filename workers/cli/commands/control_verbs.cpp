#include "workers/cli/commands/control_verbs.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "workers/cli/commands/worker_report.h"
#include "workers/cli/control_client.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/fd.h"

namespace cli {

namespace {

using hardshell::proto::StatusReport;
using hardshell::proto::WorkerStatus;

constexpr int64_t restart_patience_ms = 15'000;
constexpr int stop_patience_ms = 30'000;
constexpr std::chrono::milliseconds between_looks{20};

const WorkerStatus* find_worker(const StatusReport& report, const std::string& name) {
    for (const WorkerStatus& worker : report.workers())
        if (worker.name() == name) return &worker;
    return nullptr;
}

Error no_such_worker(const StatusReport& report, const std::string& name) {
    std::string known;
    for (const WorkerStatus& worker : report.workers())
        known += (known.empty() ? "" : ", ") + worker.name();
    return Error{Fault::bad_message, "there is no worker \"" + name + "\"; there are: " + known};
}

// Looks until the worker's next life serves; a supervisor that is busy is asked again.
Result<WorkerStatus> await_next_life(const Context& context, const WorkerStatus& before) {
    const int64_t deadline = monotonic_ms() + restart_patience_ms;
    std::string state = "not known";
    while (monotonic_ms() < deadline) {
        Result<StatusReport> report = ask_status(context);
        const WorkerStatus* now = report ? find_worker(*report, before.name()) : nullptr;
        if (now && now->incarnation() > before.incarnation() && now->state() == WorkerStatus::READY)
            return *now;
        if (now) state = state_name(now->state());
        std::this_thread::sleep_for(between_looks);
    }
    return Error{Fault::timed_out, before.name() + " is not ready after " +
                                       duration(restart_patience_ms) + " (its state: " + state +
                                       "); see `hardshell logs " + before.name() + "`"};
}

}  // namespace

int run_restart(const Context& context) {
    const std::string& name = context.arguments.operands().front();
    Result<StatusReport> report = ask_status(context);
    if (!report) return fail(report.error());
    const WorkerStatus* before = find_worker(*report, name);
    if (!before) return fail(no_such_worker(*report, name));
    const int64_t began = monotonic_ms();
    if (Done told = tell(context, "restart", {name}); !told) return fail(told.error());
    Result<WorkerStatus> after = await_next_life(context, *before);
    if (!after) return fail(after.error());
    print(name + " is ready again after " + duration(monotonic_ms() - began) + " (process " +
          std::to_string(after->pid()) + ")\n");
    return 0;
}

int run_start(const Context& context) {
    const std::string& name = context.arguments.operands().front();
    Result<StatusReport> report = ask_status(context);
    if (!report) return fail(report.error());
    const WorkerStatus* before = find_worker(*report, name);
    if (!before) return fail(no_such_worker(*report, name));
    if (before->state() == WorkerStatus::READY) {
        print(name + " runs already (process " + std::to_string(before->pid()) + ")\n");
        return 0;
    }
    if (Done told = tell(context, "start", {name}); !told) return fail(told.error());
    Result<WorkerStatus> after = await_next_life(context, *before);
    if (!after) return fail(after.error());
    print(name + " is ready (process " + std::to_string(after->pid()) + ")\n");
    return 0;
}

namespace {

int stop_worker(const Context& context, const StatusReport& report, const std::string& name) {
    if (!find_worker(report, name)) return fail(no_such_worker(report, name));
    if (Done told = tell(context, "stop", {name}); !told) return fail(told.error());
    for (const int64_t deadline = monotonic_ms() + restart_patience_ms; monotonic_ms() < deadline;
         std::this_thread::sleep_for(between_looks)) {
        const Result<StatusReport> now = ask_status(context);
        const WorkerStatus* worker = now ? find_worker(*now, name) : nullptr;
        if (!worker || worker->state() != WorkerStatus::STOPPED) continue;
        print(name + " has stopped; `hardshell start " + name + "` starts it again\n");
        return 0;
    }
    return fail({Fault::timed_out, name + " was asked to stop and still runs after " +
                                       duration(restart_patience_ms)});
}

}  // namespace

int run_stop(const Context& context) {
    Result<StatusReport> report = ask_status(context);
    if (!report) return fail(report.error());
    if (!context.arguments.operands().empty())
        return stop_worker(context, *report, context.arguments.operands().front());
    // Taken before the request: the number could be somebody else's afterwards.
    const Fd process{static_cast<int>(syscall(SYS_pidfd_open, report->pid(), 0))};
    if (Done told = tell(context, "stop"); !told) return fail(told.error());
    if (!process) {
        print("the gateway was asked to stop\n");
        return 0;
    }
    pollfd ended{process.get(), POLLIN, 0};
    if (poll(&ended, 1, stop_patience_ms) <= 0)
        return fail({Fault::timed_out, "the gateway (process " + std::to_string(report->pid()) +
                                           ") was asked to stop and still runs after " +
                                           duration(stop_patience_ms)});
    print("the gateway has stopped (process " + std::to_string(report->pid()) + ")\n");
    return 0;
}

}  // namespace cli
