#include "supervisor/worker_process.h"

#include <dirent.h>
#include <signal.h>

#include <random>
#include <utility>

#include "supervisor/log_text.h"
#include "supervisor/obituary.h"
#include "supervisor/worker_launch.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/exit_codes.h"

namespace supervisor {

namespace {

using hardshell::proto::FromWorker;
using hardshell::proto::ToWorker;
using hardshell::proto::WorkerStatus;
using std::chrono::milliseconds;

constexpr int64_t beat_deadline_ms = 6'000;
constexpr milliseconds abort_grace{2'000};  // from SIGABRT to SIGKILL
constexpr milliseconds drain_budget{10'000};
constexpr milliseconds kill_patience{1'000};      // then it is called stuck
constexpr milliseconds least_kill_patience{200};  // when the time for a stop is over
constexpr milliseconds link_grace{1'000};         // from the end of its link to its own
constexpr size_t longest_kept_line = 1'000;       // bytes; the status of all workers is one message
constexpr size_t longest_named_method = 100;      // bytes

double luck() {
    static std::minstd_rand engine(std::random_device{}());
    return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
}

// Of the files in /proc/<pid>/fd; 0 when it is gone.
uint32_t open_descriptors(pid_t pid) {
    DIR* listing = opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
    if (!listing) return 0;
    uint32_t count = 0;
    while (const dirent* entry = readdir(listing)) count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
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

}  // namespace

WorkerProcess::WorkerProcess(Loop& loop, LogPump& log, const KindOfWorker& kind,
                             hardshell::proto::WorkerPlan plan, Surroundings surroundings,
                             Fd page_file, BoardPage page)
    : loop_(loop),
      log_(log),
      kind_(kind),
      plan_(std::move(plan)),
      surroundings_(std::move(surroundings)),
      page_file_(std::move(page_file)),
      page_(std::move(page)),
      memory_(std::move(surroundings_.group), surroundings_.kernel_limits_memory, kind.most_tasks) {
}

WorkerProcess::~WorkerProcess() = default;

void WorkerProcess::move_to(WorkerState next) {
    if (!may_move(state_, next))
        log_.say("error",
                 "bug: " + name() + " went from " + name_of(state_) + " to " + name_of(next));
    state_ = next;
    if (on_change_) on_change_();
}

void WorkerProcess::start() {
    if (shutting_down_) return;
    is_stopped_by_owner_ = false;
    if (state_ == WorkerState::stopping) replace_ = true;
    if (is_running(state_)) return;
    timer_.reset();
    if (!surroundings_.may_start()) {
        if (state_ != WorkerState::waiting) move_to(WorkerState::waiting);
        return;
    }
    stop_requested_ = false;
    replace_ = false;
    was_ready_ = false;
    forced_end_.reset();
    declared_what_.clear();
    missed_beats_ = 0;
    next_start_wall_ms_ = 0;
    ++incarnation_;
    started_ms_ = monotonic_ms();
    started_wall_ms_ = wall_ms();
    page_.clear();
    const auto newest = log_.recent(name(), 0, 1);
    first_line_ = newest.empty() ? 0 : newest.back().second.sequence;
    const Done launched = launch();
    if (!launched) {
        ++failures_;
        bury(Ended::not_started, launched.error().what);
        return decide(Ended::not_started);
    }
    move_to(WorkerState::starting);
    timer_ = loop_.after(kind_.start_deadline, [this] {
        log_.say("error", name() + " was not ready " + duration_text(kind_.start_deadline.count()) +
                              " after its start; it is ended");
        forced_end_ = Ended::never_ready;
        kill_group();
    });
}

Done WorkerProcess::launch() {
    if (Done limited = memory_.begin(); !limited) return limited.error();
    const LaunchRequest request{.kind = kind_,
                                .plan = plan_,
                                .libexec = surroundings_.libexec,
                                .state_dir = surroundings_.state_dir,
                                .base_environment = surroundings_.base_environment,
                                .user = surroundings_.user,
                                .groups = memory_.doors(),
                                .data_limit = memory_.data_limit(),
                                .log_level = surroundings_.log_level,
                                .incarnation = incarnation_,
                                .links = surroundings_.links(),
                                .streams = surroundings_.streams(),
                                .public_url = surroundings_.public_url(),
                                .visible_workers = surroundings_.visible_workers(),
                                .handles = surroundings_.handles()};
    Result<Launched> launched = supervisor::launch(request);
    if (!launched) return launched.error();
    pid_ = launched->pid;
    pidfd_ = std::move(launched->pidfd);
    log_.follow(name(), std::move(launched->output));
    log_.follow(name(), std::move(launched->errors));
    link_ = std::make_unique<FrameStream>(loop_, std::move(launched->link));
    link_->on_frame([this](std::string_view frame) { on_frame(frame); });
    link_->on_close([this](const std::string& why) { link_closed(why); });
    return link_->send(start_message(request));
}

void WorkerProcess::on_frame(std::string_view frame) {
    FromWorker message;
    if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size())))
        return break_off("sent a message that cannot be read");
    if (message.has_ready()) {
        became_ready(message.ready().summary());
    } else if (message.has_failed()) {
        declared_what_ = log_.masked(message.failed().what());
    } else if (message.has_owner_result()) {
        if (on_owner_result_) on_owner_result_(message.owner_result());
    } else if (message.has_config_call() && on_config_call_) {
        take_config_call(message.config_call());
    } else if (message.has_log_query() && read_log_) {
        tell_log(read_log_(message.log_query()));
    } else if (message.has_supervisor_call() && on_supervisor_call_) {
        on_supervisor_call_(message.supervisor_call());
    } else if (message.has_public_url() && on_public_url_) {
        on_public_url_(message.public_url());
    }
}

// What it may not ask it has no code for: it is not what it was built as.
void WorkerProcess::take_config_call(const hardshell::proto::ConfigCall& call) {
    if (may_ask_config(kind_, call.method())) return on_config_call_(call);
    break_off("asked for " + log_.masked(call.method()).substr(0, longest_named_method) +
              ", which it may not");
}

void WorkerProcess::link_closed(const std::string& why) {
    if (why != FrameStream::ended) return break_off(why);
    // One that dies closes its link too: the reaper knows more about that.
    if (kill_timer_) return;
    kill_timer_ = loop_.after(link_grace, [this] {
        if (state_ != WorkerState::stopping) break_off("closed its link and lives on");
    });
}

void WorkerProcess::break_off(const std::string& what) {
    if (forced_end_) return;  // it sent more before it was gone
    log_.say("error", name() + " " + what + "; it is ended");
    forced_end_ = Ended::broke_protocol;
    declared_what_ = what;
    kill_group();
}

void WorkerProcess::tell_config(const hardshell::proto::ConfigAnswer& answer) {
    ToWorker message;
    *message.mutable_config_answer() = answer;
    if (link_) (void)link_->send(message);
}

void WorkerProcess::tell_log(hardshell::proto::LogAnswer answer) {
    ToWorker message;
    *message.mutable_log_answer() = std::move(answer);
    if (link_) (void)link_->send(message);
}

void WorkerProcess::tell_supervisor_answer(const hardshell::proto::SupervisorAnswer& answer) {
    ToWorker message;
    *message.mutable_supervisor_answer() = answer;
    if (link_) (void)link_->send(message);
}

void WorkerProcess::tell_public_url(const hardshell::proto::PublicUrl& url) {
    ToWorker message;
    *message.mutable_public_url() = url;
    if (link_ && is_running(state_)) (void)link_->send(message);
}

void WorkerProcess::became_ready(const std::string& summary) {
    if (was_ready_) return break_off("said a second time that it is ready");
    if (state_ != WorkerState::starting) return;
    timer_.reset();
    was_ready_ = true;
    proven_plan_.reset();
    ready_ms_ = monotonic_ms();
    move_to(WorkerState::ready);
    const std::string again = incarnation_ > 1 ? " again" : "";
    log_.say("", name() + " is ready" + again + " after " + duration_text(ready_ms_ - started_ms_) +
                     " (PID " + std::to_string(pid_) + ")" +
                     (summary.empty() ? "" : ": " + summary));
}

void WorkerProcess::set_plan(hardshell::proto::WorkerPlan plan) {
    if (was_ready_ && !proven_plan_) proven_plan_ = plan_;
    plan_ = std::move(plan);
    refused_plan_.reset();
}

void WorkerProcess::set_exec_approvals(const std::string& approvals_json) {
    if (plan_.settings().exec_approvals_json() == approvals_json) return;
    plan_.mutable_settings()->set_exec_approvals_json(approvals_json);
    if (proven_plan_) proven_plan_->mutable_settings()->set_exec_approvals_json(approvals_json);
    if (!link_ || !is_running(state_)) return;
    ToWorker message;
    message.set_exec_approvals_json(approvals_json);
    (void)link_->send(message);
}

void WorkerProcess::stop_for_owner(milliseconds budget) {
    is_stopped_by_owner_ = true;
    stop(budget, "gateway stopping", false);
}

void WorkerProcess::replace(milliseconds budget) {
    if (is_stopped_by_owner_) return;
    stop(budget, "gateway restarting", true);
}

void WorkerProcess::shut_down(int64_t deadline_ms) {
    shutting_down_ = true;
    shut_down_by_ms_ = deadline_ms;
}

void WorkerProcess::stop(milliseconds budget, const std::string& reason, bool replace) {
    if (!is_running(state_)) {
        if (replace) return start();
        timer_.reset();
        if (state_ != WorkerState::stopped) move_to(WorkerState::stopped);
        return;
    }
    stop_requested_ = true;
    ask_to_end(budget, reason, replace);
}

void WorkerProcess::drain(const std::string& why) {
    if (state_ != WorkerState::ready) return;
    log_.say("warn", name() + " is replaced: " + why);
    forced_end_ = Ended::drained;
    ask_to_end(drain_budget, "gateway restarting", true);
}

void WorkerProcess::ask_to_end(milliseconds budget, const std::string& reason, bool replace) {
    replace_ = replace;
    // Asked again, it has never more time than it had.
    const int64_t by = monotonic_ms() + budget.count();
    stop_by_ms_ = state_ == WorkerState::stopping ? std::min(stop_by_ms_, by) : by;
    budget = milliseconds(std::max<int64_t>(stop_by_ms_ - monotonic_ms(), 0));
    ToWorker message;  // said again to one that is stopping already, with what is left of its time
    message.mutable_stop()->set_budget_ms(static_cast<uint32_t>(budget.count()));
    message.mutable_stop()->set_reason(reason);
    message.mutable_stop()->set_will_restart(replace);
    if (!link_ || !link_->send(message)) signal_group(SIGTERM);
    signal_group(SIGCONT);  // a stopped process could not obey
    timer_ = loop_.after(budget, [this] {
        log_.say("warn", name() + " did not end in its time; it is killed");
        kill_group();
    });
    if (state_ != WorkerState::stopping) move_to(WorkerState::stopping);
}

void WorkerProcess::kill_now() {
    if (!is_running(state_)) return;
    stop_requested_ = true;
    kill_group();
}

void WorkerProcess::kill_group() {
    signal_group(SIGKILL);
    if (stuck_timer_) return;
    // Giving back gigabytes takes a while, too.
    milliseconds patience = kill_patience;
    if (shutting_down_)
        patience = std::clamp(milliseconds(shut_down_by_ms_ - monotonic_ms()), least_kill_patience,
                              kill_patience);
    stuck_timer_ = loop_.after(patience, [this] {
        is_stuck_ = true;
        log_.say("error",
                 name() + " (PID " + std::to_string(pid_) +
                     ") cannot be killed: it waits inside the kernel; nothing waits for it");
        if (on_change_) on_change_();
    });
}

void WorkerProcess::signal_group(int number) {
    if (pid_ <= 1) return;
    // The leader is not reaped before ended(), so the number cannot name a stranger.
    if (kill(-pid_, number) != 0) kill(pid_, number);
}

void WorkerProcess::tell_workers(const std::vector<WorkerStatus>& workers,
                                 const std::string& degraded,
                                 const hardshell::proto::VolumeState& volume) {
    if (!link_ || !is_running(state_)) return;
    ToWorker message;
    for (const WorkerStatus& worker : workers)
        *message.mutable_workers_changed()->add_workers() = worker;
    message.mutable_workers_changed()->set_degraded(degraded);
    *message.mutable_workers_changed()->mutable_volume() = volume;
    (void)link_->send(message);
}

Done WorkerProcess::ask_as_owner(const hardshell::proto::OwnerRequest& request) {
    if (!link_ || state_ != WorkerState::ready)
        return Error{Fault::busy, name() + " is " + std::string(name_of(state_)) +
                                      "; try again, or see `hardshell status " + name() + "`"};
    ToWorker message;
    *message.mutable_owner_request() = request;
    return link_->send(message);
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
    kill_timer_ = loop_.after(abort_grace, [this] { kill_group(); });
}

void WorkerProcess::check_memory() {
    if (!is_running(state_)) return;
    const MemoryBudget& budget = memory_.budget();
    const MemoryAction action = memory_.sample(pid_, monotonic_ms());
    page_.set(Counter::memory_bytes, static_cast<int64_t>(memory_.last()));
    page_.set(Counter::memory_peak_bytes, static_cast<int64_t>(memory_.peak()));
    page_.set(Counter::descriptors, open_descriptors(pid_));
    const auto of_soft = [&] {
        return mebibytes(memory_.used(pid_), false) + " of " + mebibytes(budget.soft);
    };
    switch (action) {
        case MemoryAction::none:
            return tell_lost_child();
        case MemoryAction::shed: {
            ToWorker message;
            message.mutable_shed()->set_memory_bytes(memory_.used(pid_));
            message.mutable_shed()->set_memory_soft_bytes(budget.soft);
            if (link_) (void)link_->send(message);
            return;
        }
        case MemoryAction::replace:
            return drain("its memory is at " + of_soft() + " and it could not shed");
        case MemoryAction::kill:
            if (forced_end_ == Ended::out_of_memory) return;
            forced_end_ = Ended::out_of_memory;
            return kill_group();
    }
}

// The kernel chose one of its children; the worker itself lives on.
void WorkerProcess::tell_lost_child() {
    if (!has_ended(pid_) && memory_.new_kills())
        log_.say("warn", "the kernel ended a process of " + name() + " at its memory limit of " +
                             mebibytes(memory_.budget().limit));
}

double WorkerProcess::fill() const {
    const uint64_t soft = memory_.budget().soft;
    if (state_ != WorkerState::ready || soft == 0) return 0;
    return static_cast<double>(memory_.used(pid_)) / static_cast<double>(soft);
}

// Whatever the leader left behind must not hold its port or write its files.
ProcessEnd WorkerProcess::collect_all_of_it() {
    signal_group(SIGKILL);
    if (!memory_.end_group())
        log_.say("error", name() + " left a process behind that cannot be killed");
    const pid_t leader = pid_;
    const ProcessEnd end = collect(leader);
    if (!memory_.has_group()) end_adopted(leader);
    return end;
}

void WorkerProcess::ended() {
    const ProcessEnd end = collect_all_of_it();
    log_.finish(name());
    Life life;
    life.lasted_ms = monotonic_ms() - started_ms_;
    life.was_asked_to_end = stop_requested_;
    life.forced = forced_end_;
    life.declared = declared_what_;
    memory_.tell(life);
    const Ended how = classify(end, life);
    link_.reset();
    pidfd_.reset();
    timer_.reset();
    kill_timer_.reset();
    stuck_timer_.reset();
    is_stuck_ = false;
    pid_ = 0;
    page_.set(Counter::memory_bytes, 0);
    page_.set(Counter::descriptors, 0);
    count_failure(how);
    bury(how, describe_end(end, how, life));
    decide(how);
}

// A stable life wipes the count out, however it ended. What was asked for, by the owner or for
// memory once in a while, is no failure; nor is a kill from outside.
void WorkerProcess::count_failure(Ended how) {
    const bool was_stable = was_ready_ && monotonic_ms() - ready_ms_ >= stable_life.count();
    if (was_stable) failures_ = 0;
    if (stop_requested_ || how == Ended::on_request || (how == Ended::drained && was_stable) ||
        (how == Ended::killed && was_ready_))
        return;
    ++failures_;
}

void WorkerProcess::bury(Ended how, const std::string& text) {
    history_.add(how, text, last_lines(), wall_ms());
}

std::vector<std::string> WorkerProcess::last_lines() const {
    std::vector<std::string> lines;
    for (auto& [worker, record] : log_.recent(name(), first_line_, WorkerHistory::lines_wanted)) {
        record.text.resize(whole_characters(record.text, longest_kept_line));
        lines.push_back(std::move(record.text));
    }
    return lines;
}

// A plan with which it never became ready, after one with which it did: the owner's new
// configuration does not work, and the one before does.
bool WorkerProcess::roll_back(Ended how) {
    const bool not_its_fault =
        how == Ended::on_request || how == Ended::killed || how == Ended::machine_out_of_memory;
    if (was_ready_ || !proven_plan_ || not_its_fault) return false;
    log_.say("error", name() + " " + history_.last_words() +
                          "; it gets back the configuration with which it ran");
    refused_plan_ = std::exchange(plan_, std::move(*proven_plan_));
    proven_plan_.reset();
    schedule(milliseconds(0));
    return true;
}

void WorkerProcess::decide(Ended how) {
    if (stop_requested_ && how != Ended::on_request)
        log_.say("error", name() + " " + history_.last_words() + "; it was asked to end anyway");
    if (shutting_down_) return move_to(WorkerState::stopped);
    if (stop_requested_) {
        if (!replace_) return move_to(WorkerState::stopped);
        move_to(WorkerState::waiting);
        return start();
    }
    if (roll_back(how)) return;
    const Verdict verdict = after(how, failures_, was_ready_, luck());
    const std::string what = name() + " " + history_.last_words();
    switch (verdict.then) {
        case Then::stay_down:
            return move_to(WorkerState::stopped);
        case Then::hold:
            log_.say("error", what + "; it is held until its configuration or secret changes");
            return move_to(WorkerState::held);
        case Then::restart:
            log_.say(how == Ended::drained ? "" : "error",
                     what + (verdict.wait.count() == 0 ? "; it is started again at once"
                                                       : "; it is started again in " +
                                                             duration_text(verdict.wait.count())));
            schedule(verdict.wait);
            // A full volume is cured by no restart, of nobody.
            if (kind_.critical && on_failing_ && how != Ended::no_storage)
                on_failing_(failures_, name() + " " + history_.last_end());
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
    status.set_started_ms(is_running(state_) ? started_wall_ms_ : 0);
    status.set_next_start_ms(next_start_wall_ms_);
    status.set_memory_bytes(memory_.used(pid_));
    status.set_memory_soft_bytes(memory_.budget().soft);
    status.set_memory_limit_bytes(memory_.budget().limit);
    status.set_memory_peak_bytes(memory_.peak());
    status.set_descriptors(pid_ > 0 ? open_descriptors(pid_) : 0);
    status.set_critical(kind_.critical);
    status.set_log_lines_suppressed(log_.suppressed(name()));
    history_.describe(status);
    return status;
}

}  // namespace supervisor
