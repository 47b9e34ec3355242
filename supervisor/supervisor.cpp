#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "supervisor/control_verbs.h"
#include "supervisor/descriptor_room.h"
#include "supervisor/log_tail.h"
#include "supervisor/plan_changes.h"
#include "supervisor/reap.h"
#include "supervisor/status_report.h"
#include "supervisor/worker_calls.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/exit_codes.h"
#include "workers/common/base/paths.h"

namespace supervisor {

namespace {

using hardshell::proto::LinkEnd;
using hardshell::proto::Plan;
using hardshell::proto::PlanRequest;
using hardshell::proto::StatusReport;
using hardshell::proto::WorkerPlan;
using hardshell::proto::WorkerStatus;
using std::chrono::milliseconds;

constexpr const char* gateway_worker = "gateway";
constexpr milliseconds memory_period{1'000};
constexpr milliseconds worker_retry{1'000};
constexpr int orphans_per_turn = 256;  // workers are looked at between two slices

}  // namespace

Supervisor::Supervisor(Loop& loop, LogPump& log, Options options)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      signals_(loop),
      owner_calls_(loop),
      wiring_(
          loop, log, options_.run_dir, [this](std::string_view kind) { return user_for(kind); },
          [this] {
              for (const auto& worker : workers_)
                  if (worker->state() == WorkerState::waiting && wiring_.may_start(worker->name()))
                      worker->start();
          }),
      public_address_(log, workers_,
                      [this](const std::string& name) { return find_in(plan_, name) != nullptr; }),
      memory_(log, workers_),
      space_(log),
      shutdown_(log, workers_, [this] { finish(); }) {}

Supervisor::~Supervisor() {
    // Their groups first, then those they are in.
    workers_.clear();
    plans_.reset();
    memory_.close();
}

Done Supervisor::begin() {
    started_ms_ = monotonic_ms();
    started_wall_ms_ = wall_ms();
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (Done watched = signals_.watch([this](int number) { on_signal(number); }); !watched)
        return watched.error();
    Result<OwnedState> state = take_state(
        {options_.state_dir, options_.config_path, options_.run_dir, options_.environment});
    if (!state) return state.error();
    state_ = std::move(*state);
    for (const KindOfWorker& row : roster())  // made ready with the state directory
        for (const std::string_view folder : row.extra.workspaces) workspaces_.emplace(folder);
    for (const std::string& remark : state_.remarks) log_.say("", remark);
    (void)space_.check(state_.directory.get());
    memory_.open(state_.key());
    say_missing_layers();
    auto control = ControlSocket::open(
        loop_, paths::control_socket(options_.run_dir),
        [this](const auto& request, ControlClient& client) { run_verb(*this, request, client); });
    if (!control) return control.error();
    control_ = std::move(*control);
    say_door();
    plans_ = std::make_unique<PlanSource>(
        loop_, log_,
        PlannerClient::Setting{options_.libexec + "/planner", state_.directory.get(),
                               user_for("planner"), options_.environment,
                               memory_.group_for("planner")},
        [this] {
            PlanRequest request = plan_request();
            request.set_takes_effect(true);
            return request;
        },
        [this](Plan plan) { apply(std::move(plan)); });
    desk_ = std::make_unique<ConfigDesk>(plans_->planner(), [this] { return plan_request(); });
    plans_->on_free([this] { desk_->go_on(); });
    watch_config();
    if (const KindOfWorker* planner = find_kind("planner"))
        plans_->set_budget(least_budget(*planner), planner->most_tasks);
    plans_->ask();
    registrations_.push_back(loop_.every(OwnTime::period, [this] { on_tick(); }));
    registrations_.push_back(loop_.every(memory_period, [this] { memory_.check(); }));
    return {};
}

LayerFacts Supervisor::layer_facts() const {
    LayerFacts facts;
    facts.has_users = state_.isolation.on;
    facts.why_no_users = state_.isolation.why_not;
    facts.limits_memory = memory_.groups().limits_memory();
    facts.limits_tasks = memory_.groups().limits_tasks();
    facts.memory_mode = memory_.groups().mode();
    return facts;
}

void Supervisor::say_door() const {
    if (!control_->trouble().empty())
        log_.say("error", control_->trouble() + "; the command line cannot reach this gateway");
}

void Supervisor::mend_door() {
    if (!control_ || shutdown_.has_begun() || !control_->mend()) return;
    if (control_->trouble().empty()) {
        log_.say("warn", "the control socket was not where it was made; it is made again");
        wiring_.follow(plan_);  // whoever took it may have taken the links' directories too
    }
    say_door();
}

void Supervisor::say_missing_layers() const {
    for (const LayerState& layer : layers(layer_facts()))
        if (!layer.holds) log_.say("warn", layer.detail);
}

void Supervisor::on_signal(int number) {
    switch (number) {
        case SIGCHLD:
            return collect_children();
        case SIGTERM:
        case SIGINT:
            return stop_all(number == SIGTERM ? "SIGTERM" : "SIGINT");
        case SIGHUP:
            (void)reload();
            return;
        case SIGUSR1:
            (void)restart_worker("gateway");
            return;
        case SIGUSR2:
            for (const auto& worker : workers_)
                log_.say("", worker->name() + " is " + name_of(worker->state()));
            return;
        default:
            return;
    }
}

void Supervisor::collect_children() {
    // Workers before orphans: a storm of orphans must not delay a worker's successor.
    for (const auto& worker : workers_)
        if (worker->pid() > 0 && has_ended(worker->pid())) worker->ended();
    if (plans_ && plans_->pid() > 0 && has_ended(plans_->pid())) {
        collect(plans_->pid());
        plans_->ended();
    }
    for (int count = 0; count < orphans_per_turn; ++count) {
        const pid_t pid = ended_child();
        if (pid <= 0) return;
        const auto owner = std::find_if(workers_.begin(), workers_.end(),
                                        [&](const auto& worker) { return worker->pid() == pid; });
        if (owner != workers_.end())
            (*owner)->ended();
        else if (plans_ && plans_->pid() == pid)
            break;  // at the next turn, by the lines above
        else
            collect(pid);
    }
    loop_.soon([this] { collect_children(); });
}

void Supervisor::watch_config() {
    watch_ = std::make_unique<ConfigWatch>(
        loop_, [this] { plans_->ask(); }, [this] { (void)reload(); });
    if (const Done watching = watch_->begin(options_.config_path); !watching)
        log_.say("warn",
                 watching.error().what + "; a change takes effect with `hardshell reload` only");
}

ConfigDesk::Answer Supervisor::with_effect(ConfigDesk::Answer answer) {
    return [this, answer = std::move(answer)](const auto& given) {
        if (given.has_reload_after_ms()) watch_->due_in(milliseconds(given.reload_after_ms()));
        answer(given);
        loop_.soon([this] { plans_->go_on(); });  // one that could not be started is not collected
    };
}

void Supervisor::configure(hardshell::proto::ConfigCall call, ConfigDesk::Answer answer) {
    desk_->take(std::move(call), with_effect(std::move(answer)));
}

// The answer is for this life of the worker: what the next one asks has the same numbers.
void Supervisor::take_config_call(const WorkerProcess& worker,
                                  const hardshell::proto::ConfigCall& call) {
    const uint64_t life = worker.incarnation();
    hardshell::proto::ConfigCall asked = call;
    asked.set_asker(worker.name());
    auto answer = [this, life, name = worker.name()](const auto& given) {
        WorkerProcess* asker = find(name);
        if (asker && asker->incarnation() == life) asker->tell_config(given);
    };
    if (worker.kind().extra.may_configure) return configure(std::move(asked), std::move(answer));
    desk_->take_one(std::string(worker.kind().kind), std::move(asked),
                    with_effect(std::move(answer)));
}

void Supervisor::add_worker(const KindOfWorker& kind, const WorkerPlan& plan) {
    const Done room = room_for_worker(plan.name(), workers_.size());
    Result<Fd> file = room ? BoardPage::create(plan.name()) : room.error();
    Result<BoardPage> page = file ? BoardPage::map(file->get(), true) : file.error();
    if (!page) {
        if (without_room_.insert(plan.name()).second)
            log_.say("error", page.error().what + "; trying again every second");
        retry_workers_ = loop_.after(worker_retry, [this] { reconcile(plan_); });
        return;
    }
    without_room_.erase(plan.name());
    WorkerProcess::Surroundings surroundings;
    surroundings.libexec = options_.libexec;
    surroundings.state_dir = state_.directory.get();
    surroundings.base_environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                                     "HOME=" + options_.state_dir};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    for (const std::string& pair : options_.environment)
        if (pair.find("SAN_OPTIONS=") != std::string::npos)
            surroundings.base_environment.push_back(pair);
#endif
    surroundings.user = user_for(kind.kind);
    surroundings.log_level = options_.log_level;
    const std::string name = plan.name();
    surroundings.links = [this, name] { return wiring_.links_of(name); };
    surroundings.streams = [this, name] { return wiring_.streams_of(name); };
    surroundings.public_url = [this, name] { return public_address_.for_worker(*find(name)); };
    surroundings.visible_workers = [this, name] { return visible_to(*find(name)); };
    surroundings.handles = [this, name] { return handles_of(*find(name)); };
    surroundings.may_start = [this, name] { return wiring_.may_start(name); };
    surroundings.group = memory_.group_for(name);
    surroundings.kernel_limits_memory = memory_.groups().limits_memory();
    workers_.push_back(std::make_unique<WorkerProcess>(
        loop_, log_, kind, plan, std::move(surroundings), std::move(*file), std::move(*page)));
    workers_.back()->on_change([this, name] {
        if (name == gateway_worker && find(name)->state() != WorkerState::ready)
            owner_calls_.worker_ended("the gateway worker ended meanwhile; try again");
        announce_changes();
    });
    workers_.back()->on_owner_result(
        [this](const hardshell::proto::OwnerResult& result) { owner_calls_.answered(result); });
    if (kind.extra.may_configure || !kind.extra.config_method.empty())
        workers_.back()->on_config_call([this, worker = workers_.back().get()](const auto& call) {
            take_config_call(*worker, call);
        });
    if (kind.extra.may_read_log)
        workers_.back()->on_log_query([this](const auto& query) { return log_tail(log_, query); });
    if (kind.extra.may_control)
        workers_.back()->on_supervisor_call(
            [this, worker = workers_.back().get()](const auto& call) {
                take_worker_call(*worker, call);
            });
    if (kind.extra.may_publish)
        workers_.back()->on_public_url([this, worker = workers_.back().get()](const auto& url) {
            public_address_.said_by(*worker, url);
        });
    workers_.back()->on_failing([this, name](int failures, const std::string& why) {
        critical_failed(name, failures, why);
    });
    workers_.back()->set_budget(memory_.budget_of(name));
}

// Answered first: what follows may end the asker.
void Supervisor::take_worker_call(WorkerProcess& worker,
                                  const hardshell::proto::SupervisorCall& call) {
    WorkerCallOutcome outcome = take_call(*this, call);
    worker.tell_supervisor_answer(outcome.answer);
    if (outcome.then) loop_.soon(std::move(outcome.then));
}

void Supervisor::call_gateway(const std::string& method, const std::string& params_json,
                              ControlClient& client) {
    const Result<WorkerProcess*> gateway = find_or_say(gateway_worker);
    if (!gateway) return client.refuse(gateway.error().what);
    owner_calls_.ask(client, method, params_json,
                     [&](const hardshell::proto::OwnerRequest& request) {
                         return (*gateway)->ask_as_owner(request);
                     });
}

WorkerProcess* Supervisor::find(const std::string& name) const {
    for (const auto& worker : workers_)
        if (worker->name() == name) return worker.get();
    return nullptr;
}

std::vector<WorkerStatus> Supervisor::visible_to(const WorkerProcess& worker) const {
    std::vector<WorkerStatus> visible;
    const std::vector<LinkEnd> links = wiring_.links_of(worker.name());
    const auto streams = wiring_.streams_of(worker.name());
    for (const auto& other : workers_) {
        const bool linked =
            std::any_of(links.begin(), links.end(),
                        [&](const LinkEnd& end) { return end.peer() == other->name(); }) ||
            std::any_of(streams.begin(), streams.end(),
                        [&](const auto& end) { return end.peer() == other->name(); });
        if (worker.kind().sees_all || linked) visible.push_back(other->status());
    }
    return visible;
}

std::vector<std::pair<std::string, int>> Supervisor::handles_of(const WorkerProcess& worker) {
    std::vector<std::pair<std::string, int>> handles = {{"board", worker.page()}};
    for (auto& listener : wiring_.listeners_for_start_of(worker.name()))
        handles.push_back(std::move(listener));
    if (!worker.kind().sees_all) return handles;
    readable_pages_.clear();
    for (const auto& other : workers_) {
        const std::string path = "/proc/self/fd/" + std::to_string(other->page());
        Fd page(open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!page) continue;
        handles.emplace_back("board:" + other->name(), page.get());
        readable_pages_.push_back(std::move(page));
    }
    return handles;
}

std::optional<unsigned> Supervisor::user_for(std::string_view kind) const {
    const KindOfWorker* row = find_kind(kind);
    if (!state_.isolation.on || !row) return std::nullopt;
    return user_of(*row);
}

void Supervisor::announce_changes() {
    if (announcing_) return;
    announcing_ = true;
    loop_.soon([this] {
        announcing_ = false;
        public_address_.look_at_workers();
        for (const auto& worker : workers_)
            worker->tell_workers(visible_to(*worker), plan_.degraded(), space_.state());
        if (shutdown_.has_begun()) shutdown_.go_on();
    });
}

void Supervisor::on_tick() {
    if (space_.check(state_.directory.get())) announce_changes();
    mend_door();
    const int64_t slept_s = own_time_.tick();
    if (slept_s > 0)
        log_.say("", "resumed after " + std::to_string(slept_s) + " s of sleep of the machine");
    // A machine that was asleep, or so busy that we ourselves were late, gives everybody time.
    if (!own_time_.was_regular()) return;
    for (const auto& worker : workers_) worker->check_heartbeat();
}

Result<WorkerProcess*> Supervisor::find_or_say(const std::string& name) const {
    if (shutdown_.has_begun()) return Error{Fault::busy, "the gateway is stopping"};
    if (WorkerProcess* worker = find(name)) return worker;
    std::string known;
    for (const auto& worker : workers_) known += (known.empty() ? "" : ", ") + worker->name();
    return Error{Fault::bad_message, "there is no worker called " + name +
                                         (known.empty() ? "" : "; there are " + known)};
}

bool Supervisor::has_log_of(const std::string& worker) const {
    return worker == "supervisor" || worker == "planner" || find(worker);
}

Done Supervisor::check_worker(const std::string& name) const {
    const Result<WorkerProcess*> worker = find_or_say(name);
    return worker ? Done() : Done(worker.error());
}

Done Supervisor::restart_worker(const std::string& name) {
    Result<WorkerProcess*> worker = find_or_say(name);
    if (!worker) return worker.error();
    log_.say("", name + " is restarted on request");
    // The cause may have been elsewhere: what it could not come up with is tried once more.
    if (const WorkerPlan* refused = (*worker)->refused_plan()) (*worker)->set_plan(*refused);
    (*worker)->forgive();
    (*worker)->stop(options_.stop_budget, "gateway restarting", true);
    return {};
}

Done Supervisor::start_worker(const std::string& name) {
    Result<WorkerProcess*> worker = find_or_say(name);
    if (!worker) return worker.error();
    (*worker)->forgive();
    (*worker)->start();
    return {};
}

Done Supervisor::stop_worker(const std::string& name) {
    Result<WorkerProcess*> worker = find_or_say(name);
    if (!worker) return worker.error();
    log_.say("", name + " is stopped on request; hardshell start " + name + " starts it again");
    (*worker)->stop_for_owner(options_.stop_budget);
    return {};
}

Done Supervisor::reload() {
    if (shutdown_.has_begun()) return Error{Fault::busy, "the gateway is stopping"};
    log_.say("", "reading the configuration again");
    cause_ = ReloadCause::asked;
    plans_->ask();
    return {};
}

StatusReport Supervisor::report() const {
    StatusReport report = describe({plan_, workers_, layer_facts(), wiring_.missing()});
    report.set_version(HARDSHELL_VERSION);
    report.set_pid(getpid());
    report.set_started_ms(started_wall_ms_);
    report.set_state_dir(options_.state_dir);
    report.set_config_path(options_.config_path);
    report.set_log_lines_dropped(log_.dropped());
    if (const auto url = public_address_.now()) *report.mutable_public_url() = *url;
    *report.mutable_volume() = space_.state();
    if (space_.trouble() == SpaceTrouble::full || space_.trouble() == SpaceTrouble::read_only)
        report.add_missing(space_.state().what());
    const auto tell = [&](const char* severity, const std::string& text) {
        if (text.empty()) return;
        auto& notice = *report.add_notices();
        notice.set_severity(severity);
        notice.set_text(text);
    };
    if (space_.trouble() == SpaceTrouble::filling) tell("warn", space_.state().what());
    tell("warn", waiting_change_);
    tell("error", refused_memory_);
    tell("warn", memory_.remark());
    return report;
}

void Supervisor::critical_failed(const std::string& name, int failures, const std::string& why) {
    if (shutdown_.has_begun()) return;
    if (failures == failures_to_restart_group) restart_neighbours(name);
    if (failures < failures_to_escalate) return;
    if (monotonic_ms() - started_ms_ < escalate_not_before.count()) return;
    exit_code_ = exit_code::retry;
    stop_all(why + "; it cannot be kept up, so the machine may try a fresh start");
}

// Its trouble may come from whom it talks to.
void Supervisor::restart_neighbours(const std::string& name) {
    for (const LinkEnd& end : wiring_.links_of(name)) {
        WorkerProcess* neighbour = find(end.peer());
        if (!neighbour || !is_running(neighbour->state())) continue;
        log_.say("warn", end.peer() + " is restarted too: " + name + " keeps failing");
        neighbour->replace(options_.stop_budget);
    }
}

void Supervisor::stop_all(const std::string& why) {
    if (plans_) plans_->stop();
    retry_workers_.reset();
    wiring_.stop();
    shutdown_.ask(why, options_.stop_budget, exit_code_ != 0);
}

void Supervisor::finish() {
    // Nothing of ours may outlive us: a process with an open file on the volume would keep it from
    // being unmounted.
    if (!end_all_children(shutdown_.time_left()))
        log_.say("error", "a child cannot be killed; it is left to the machine");
    control_.reset();
    state_.release();
    log_.say("", exit_code_ == 0 ? "stopped" : "stopped, exit code " + std::to_string(exit_code_));
    log_.flush(milliseconds(500));
    loop_.stop(exit_code_);
}

}  // namespace supervisor
