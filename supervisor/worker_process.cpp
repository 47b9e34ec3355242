#include "supervisor/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "supervisor/landlock.h"
#include "supervisor/spawn.h"
#include "supervisor/syscall_filter.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/exit_codes.h"

namespace supervisor {

namespace {

using hardshell::proto::FromWorker;
using hardshell::proto::ToWorker;
using hardshell::proto::WorkerStatus;
using std::chrono::milliseconds;

constexpr int first_handle = 4;  // 3 is the link to the supervisor
constexpr int64_t beat_deadline_ms = 6'000;
constexpr milliseconds abort_grace{2'000};  // from SIGABRT to SIGKILL

double luck() {
    static std::minstd_rand engine(std::random_device{}());
    return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

std::string duration_text(int64_t ms) {
    if (ms < 10'000) return std::to_string(ms) + " ms";
    if (ms < 600'000) return std::to_string(ms / 1000) + " s";
    if (ms < 36'000'000) return std::to_string(ms / 60'000) + " min";
    return std::to_string(ms / 3'600'000) + " h";
}

// Resident memory in bytes; 0 when the process is gone.
uint64_t resident_bytes(pid_t pid) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/statm", pid);
    const Fd file(open(path, O_RDONLY | O_CLOEXEC));
    char text[128] = {};
    if (!file || read(file.get(), text, sizeof text - 1) <= 0) return 0;
    unsigned long long total = 0;
    unsigned long long resident = 0;
    if (std::sscanf(text, "%llu %llu", &total, &resident) != 2) return 0;
    return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Processes that the kernel has killed for memory since the machine started; 0 when it does not
// say.
uint64_t kernel_kills() {
    std::ifstream file("/proc/vmstat");  // in a loop: it may be longer than one read gives
    std::string name;
    for (uint64_t value = 0; file >> name >> value;)
        if (name == "oom_kill") return value;
    return 0;
}

WorkerStatus::State to_proto(WorkerState state) {
    switch (state) {
        case WorkerState::stopped:
            return WorkerStatus::STOPPED;
        case WorkerState::waiting:
            return WorkerStatus::WAITING;
        case WorkerState::starting:
            return WorkerStatus::STARTING;
        case WorkerState::ready:
            return WorkerStatus::READY;
        case WorkerState::stopping:
            return WorkerStatus::STOPPING;
        case WorkerState::held:
            return WorkerStatus::HELD;
    }
    return WorkerStatus::STATE_UNKNOWN;
}

Result<std::pair<Fd, Fd>> make_pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
    return std::pair<Fd, Fd>(Fd(ends[0]), Fd(ends[1]));
}

BoardPage map_or_abort(const Fd& file) {
    Result<BoardPage> page = BoardPage::map(file.get(), true);
    if (!page) std::abort();  // one page of memory at start-up
    return std::move(*page);
}

}  // namespace

WorkerProcess::WorkerProcess(Loop& loop, LogPump& log, const KindOfWorker& kind,
                             hardshell::proto::WorkerPlan plan, Surroundings surroundings, Fd page)
    : loop_(loop),
      log_(log),
      kind_(kind),
      plan_(std::move(plan)),
      surroundings_(std::move(surroundings)),
      page_file_(std::move(page)),
      page_(map_or_abort(page_file_)) {}

WorkerProcess::~WorkerProcess() = default;

void WorkerProcess::move_to(WorkerState next) {
    if (!may_move(state_, next))
        log_.say("error",
                 "bug: " + name() + " went from " + name_of(state_) + " to " + name_of(next));
    state_ = next;
    if (on_change_) on_change_();
}

void WorkerProcess::start() {
    if (is_running(state_) || shutting_down_) return;
    timer_.reset();
    if (!surroundings_.may_start()) {
        if (state_ != WorkerState::waiting) move_to(WorkerState::waiting);
        return;
    }
    stop_requested_ = false;
    replace_ = false;
    was_ready_ = false;
    forced_end_.reset();
    declared_fault_.clear();
    declared_what_.clear();
    missed_beats_ = 0;
    next_start_wall_ms_ = 0;
    ++incarnation_;
    started_ms_ = monotonic_ms();
    started_wall_ms_ = wall_ms();
    kills_at_start_ = kernel_kills();
    page_.clear();
    const Done launched = launch();
    if (!launched) {
        ++failures_;
        last_end_ = launched.error().what;
        log_.say("error", last_end_);
        const Verdict verdict = after(Ended::crashed, failures_, false, luck());
        return schedule(verdict.wait);
    }
    move_to(WorkerState::starting);
    timer_ = loop_.after(kind_.start_deadline, [this] {
        log_.say("error", name() + " was not ready " + duration_text(kind_.start_deadline.count()) +
                              " after its start; it is ended");
        forced_end_ = Ended::never_ready;
        signal_group(SIGKILL);
    });
}

Done WorkerProcess::launch() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return system_error("cannot start " + name(), errno);
    Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    Result<std::pair<Fd, Fd>> output = make_pipe();
    Result<std::pair<Fd, Fd>> errors = make_pipe();
    if (!output) return output.error();
    if (!errors) return errors.error();

    const std::vector<std::pair<std::string, int>> handles = surroundings_.handles();
    SpawnRequest request;
    request.name = "hardshell-" + std::string(kind_.kind);
    request.program = surroundings_.libexec + "/" + std::string(kind_.program);
    request.environment = surroundings_.base_environment;
    for (const auto& [variable, value] : plan_.settings().environment())
        request.environment.push_back(variable + "=" + value);
    request.directory = surroundings_.state_dir;
    request.output = output->second.get();
    request.errors = errors->second.get();
    request.descriptors = {theirs.get()};
    for (const auto& [handle, descriptor] : handles) request.descriptors.push_back(descriptor);
    request.user = surroundings_.user;
    request.oom_score = kind_.oom_score;
    const Result<Fd> confinement = confine();
    if (!confinement) return confinement.error();
    if (*confinement) request.confinement = confinement->get();
    if (can_filter_syscalls()) request.filter = syscall_filter(kind_.network);
    Result<Spawned> spawned = spawn(request);
    if (!spawned) return spawned.error();
    pid_ = spawned->pid;
    pidfd_ = std::move(spawned->pidfd);
    log_.follow(name(), std::move(output->first));
    log_.follow(name(), std::move(errors->first));
    link_ = std::make_unique<FrameStream>(loop_, std::move(ours));
    link_->on_frame([this](std::string_view frame) { on_frame(frame); });
    link_->on_close([](const std::string&) {});  // its end is noticed by the reaper
    return link_->send(start_message(handles));
}

// No descriptor when the kernel offers none.
Result<Fd> WorkerProcess::confine() const {
    if (landlock_version() == 0) return Fd();
    std::vector<std::string> places(kind_.directories.begin(), kind_.directories.end());
    constexpr std::string_view scheme = "ipc://";
    for (const auto& link : surroundings_.links())
        if (link.binds() && link.endpoint().starts_with(scheme))
            places.push_back(
                link.endpoint().substr(scheme.size(), link.endpoint().rfind('/') - scheme.size()));
    return write_confinement(surroundings_.state_dir, places);
}

ToWorker WorkerProcess::start_message(const std::vector<std::pair<std::string, int>>& handles) {
    ToWorker message;
    auto& start = *message.mutable_start();
    start.set_worker(name());
    start.set_kind(plan_.kind());
    start.set_incarnation(incarnation_);
    *start.mutable_settings() = plan_.settings();
    *start.mutable_secrets() = plan_.secrets();
    for (auto& link : surroundings_.links()) *start.add_links() = std::move(link);
    int descriptor = first_handle;
    for (const auto& [handle, source] : handles) {
        start.add_handles()->set_name(handle);
        start.mutable_handles()->rbegin()->set_descriptor(descriptor++);
    }
    for (auto& worker : surroundings_.visible_workers()) *start.add_workers() = std::move(worker);
    start.set_log_level(surroundings_.log_level);
    return message;
}

void WorkerProcess::on_frame(std::string_view frame) {
    FromWorker message;
    if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
        log_.say("error", name() + " sent a message that is none; it is ended");
        forced_end_ = Ended::crashed;
        return signal_group(SIGKILL);
    }
    if (message.has_ready()) {
        became_ready(message.ready().summary());
    } else if (message.has_failed()) {
        declared_fault_ = message.failed().fault();
        declared_what_ = message.failed().what();
    }
}

void WorkerProcess::became_ready(const std::string& summary) {
    if (state_ != WorkerState::starting) return;
    timer_.reset();
    was_ready_ = true;
    ready_ms_ = monotonic_ms();
    move_to(WorkerState::ready);
    const std::string again = incarnation_ > 1 ? " again" : "";
    log_.say("", name() + " is ready" + again + " after " + duration_text(ready_ms_ - started_ms_) +
                     " (PID " + std::to_string(pid_) + ")" +
                     (summary.empty() ? "" : ": " + summary));
}

void WorkerProcess::stop(milliseconds budget, const std::string& reason, bool replace) {
    if (!is_running(state_)) {
        if (replace) return start();
        timer_.reset();
        if (state_ != WorkerState::stopped) move_to(WorkerState::stopped);
        return;
    }
    stop_requested_ = true;
    replace_ = replace;
    ToWorker message;  // said again to one that is stopping already, with what is left of its time
    message.mutable_stop()->set_budget_ms(static_cast<uint32_t>(budget.count()));
    message.mutable_stop()->set_reason(reason);
    message.mutable_stop()->set_will_restart(replace);
    if (!link_ || !link_->send(message)) signal_group(SIGTERM);
    signal_group(SIGCONT);  // a stopped process could not obey
    timer_ = loop_.after(budget, [this] {
        log_.say("warn", name() + " did not end in its time; it is killed");
        signal_group(SIGKILL);
    });
    if (state_ != WorkerState::stopping) move_to(WorkerState::stopping);
}

void WorkerProcess::kill_now() {
    if (!is_running(state_)) return;
    stop_requested_ = true;
    signal_group(SIGKILL);
}

void WorkerProcess::signal_group(int number) {
    if (pid_ <= 1) return;
    // The leader is not reaped before ended(), so the number cannot name a stranger.
    if (kill(-pid_, number) != 0) kill(pid_, number);
}

void WorkerProcess::tell_workers(const std::vector<WorkerStatus>& workers,
                                 const std::string& degraded) {
    if (!link_ || !is_running(state_)) return;
    ToWorker message;
    for (const WorkerStatus& worker : workers)
        *message.mutable_workers_changed()->add_workers() = worker;
    message.mutable_workers_changed()->set_degraded(degraded);
    (void)link_->send(message);
}

void WorkerProcess::check_heartbeat() {
    if (state_ != WorkerState::ready) return;
    const int64_t silence = monotonic_ms() - page_.last_beat();
    if (silence < beat_deadline_ms) {
        missed_beats_ = 0;
        return;
    }
    // Counted in the supervisor's own ticks: a machine that was asleep gives everybody time.
    if (++missed_beats_ != 3) return;
    log_.say("error", name() + " has not responded for " + duration_text(silence) +
                          "; it is aborted and replaced");
    forced_end_ = Ended::hung;
    signal_group(SIGABRT);
    signal_group(SIGCONT);
    kill_timer_ = loop_.after(abort_grace, [this] { signal_group(SIGKILL); });
}

Ended WorkerProcess::classify(const ProcessEnd& end) const {
    if (stop_requested_) return Ended::on_request;
    if (forced_end_) return *forced_end_;
    if (end.signal == SIGKILL && kernel_kills() == kills_at_start_) return Ended::killed;
    if (end.signal != 0) return Ended::crashed;
    if (end.code == exit_code::bad_config) return Ended::bad_config;
    if (end.code == exit_code::bad_credentials) return Ended::bad_credentials;
    if (end.code == exit_code::requested) return Ended::unasked_success;
    return Ended::crashed;
}

std::string WorkerProcess::describe_end(const ProcessEnd& end, Ended how) const {
    std::string text = how == Ended::never_ready                     ? "never became ready"
                       : how == Ended::hung                          ? "stopped responding"
                       : how == Ended::on_request && end.signal == 0 ? "ended on request"
                       : how == Ended::unasked_success
                           ? "ended with success, which nobody asked for"
                           : describe(end);
    if (!declared_what_.empty()) text += ": " + declared_what_;
    return text + ", after " + duration_text(monotonic_ms() - started_ms_);
}

void WorkerProcess::ended() {
    // Whatever the leader left behind in its group must not hold its port or write its files.
    signal_group(SIGKILL);
    const ProcessEnd end = collect(pid_);
    const Ended how = classify(end);
    log_.finish(name());
    last_end_ = describe_end(end, how);
    link_.reset();
    pidfd_.reset();
    timer_.reset();
    kill_timer_.reset();
    pid_ = 0;
    if (how != Ended::on_request) {
        if (was_ready_ && monotonic_ms() - ready_ms_ >= stable_life.count()) failures_ = 0;
        if (how != Ended::killed || !was_ready_) ++failures_;
        ++restarts_;
    }
    decide(how);
}

void WorkerProcess::decide(Ended how) {
    if (shutting_down_) return move_to(WorkerState::stopped);
    if (how == Ended::on_request && replace_) {
        move_to(WorkerState::waiting);
        return start();
    }
    const Verdict verdict = after(how, failures_, was_ready_, luck());
    switch (verdict.then) {
        case Then::stay_down:
            return move_to(WorkerState::stopped);
        case Then::hold:
            log_.say("error", name() + " " + last_end_ +
                                  "; it is held until its configuration or secret changes");
            return move_to(WorkerState::held);
        case Then::restart:
            log_.say("error",
                     name() + " " + last_end_ +
                         (verdict.wait.count() == 0
                              ? "; it is started again at once"
                              : "; it is started again in " + duration_text(verdict.wait.count())));
            schedule(verdict.wait);
            if (kind_.critical && failures_ >= failures_to_escalate && on_escalate_)
                on_escalate_(name() + " " + last_end_);
    }
}

void WorkerProcess::schedule(milliseconds wait) {
    next_start_wall_ms_ = wall_ms() + wait.count();
    if (state_ != WorkerState::waiting) move_to(WorkerState::waiting);
    if (wait.count() == 0) return start();
    timer_ = loop_.after(wait, [this] { start(); });
}

WorkerStatus WorkerProcess::status() const {
    WorkerStatus status;
    status.set_name(name());
    status.set_kind(plan_.kind());
    status.set_state(to_proto(state_));
    status.set_pid(pid_);
    status.set_incarnation(incarnation_);
    status.set_restarts(restarts_);
    status.set_last_end(last_end_);
    status.set_started_ms(is_running(state_) ? started_wall_ms_ : 0);
    status.set_next_start_ms(next_start_wall_ms_);
    status.set_memory_bytes(pid_ > 0 ? resident_bytes(pid_) : 0);
    status.set_critical(kind_.critical);
    return status;
}

}  // namespace supervisor
