// How the supervisor asks for a plan and follows it: what is new is replaced, what is not is left
// alone, and a plan that cannot be followed changes nothing.
#include <unistd.h>

#include <climits>
#include <utility>

#include "supervisor/plan_changes.h"
#include "supervisor/status_report.h"
#include "supervisor/supervisor.h"
#include "workers/common/base/exit_codes.h"

namespace supervisor {

namespace {

using hardshell::proto::Notice;
using hardshell::proto::Plan;
using hardshell::proto::PlanRequest;
using hardshell::proto::WorkerPlan;
using std::chrono::milliseconds;

constexpr std::ptrdiff_t most_secrets = 1'000;

}  // namespace

PlanRequest Supervisor::plan_request() {
    give_config(state_.directory.get(), options_.state_dir, options_.config_path,
                state_.isolation.on);
    PlanRequest request;
    for (const std::string& argument : options_.gateway_arguments) request.add_arguments(argument);
    request.set_state_dir(options_.state_dir);
    request.set_config_path(options_.config_path);
    char here[PATH_MAX];
    if (getcwd(here, sizeof here)) request.set_working_dir(here);
    return request;
}

// Without a plan in force there is nothing to compare with: it is followed.
PlanReview Supervisor::look_at(const Plan& next) {
    const ReloadCause cause = std::exchange(cause_, ReloadCause::noticed);
    if (!plans_->has_plan()) return {};
    if (!next.degraded().empty())
        return {Reload::wait, "error", next.degraded() + "; the plan in force stays",
                next.degraded(), waiting_change_};
    std::vector<PlannedWorker> planned;
    for (const auto& worker : workers_)
        planned.push_back({&worker->plan(), wiring_.has_listeners(worker->name())});
    return review(plan_, next, planned, cause);
}

// What runs goes on with the plan it has.
void Supervisor::stay(const std::string& degraded) {
    plan_.set_degraded(degraded);
    announce_changes();
}

// Before a worker is started that looks for them. The content of one is gone through once: it can
// be much, and nothing is served meanwhile.
void Supervisor::prepare_workspaces() {
    for (const auto& workspace : plan_.workspaces()) {
        const std::string& path = workspace.path();
        if (workspaces_.contains(path) &&
            faccessat(state_.directory.get(), path.c_str(), F_OK, 0) == 0)
            continue;
        const Done made = prepare_workspace(state_.directory.get(), options_.state_dir, path,
                                            state_.isolation.on);
        if (made)
            workspaces_.insert(path);
        else
            log_.say("error", (workspace.setting().empty() ? "agents.list" : workspace.setting()) +
                                  ": " + made.error().what + "; an agent has no workspace");
    }
}

void Supervisor::replace_all() {
    for (const WorkerPlan& wanted : plan_.workers())
        if (WorkerProcess* worker = find(wanted.name())) worker->set_plan(wanted);
    for (const auto& worker : workers_) worker->replace(options_.stop_budget);
}

void Supervisor::apply(Plan plan) {
    mask_secrets_of(plan);
    say_notices(plan);
    // Whatever becomes of the rest: what its owner has taken back must not run any more.
    for (const WorkerPlan& wanted : plan.workers())
        if (WorkerProcess* worker = find(wanted.name()))
            worker->set_exec_approvals(wanted.settings().exec_approvals_json());
    const PlanReview seen = look_at(plan);
    waiting_change_ = seen.waiting;
    refused_memory_.clear();
    if (seen.verdict == Reload::wait) {
        if (!seen.remark.empty()) log_.say(seen.severity, seen.remark);
        return stay(seen.degraded);
    }
    if (!plan.degraded().empty()) log_.say("error", plan.degraded());
    if (const Done shared = share_memory(plan); !shared) return refuse_memory(shared.error());
    if (!seen.remark.empty()) log_.say(seen.severity, seen.remark);
    if (plan.degraded().empty() && !plan_.degraded().empty())
        log_.say("", "the configuration file can be used again");
    const Plan previous = std::move(plan_);
    plan_ = std::move(plan);
    plans_->accepted();
    apply_settings_of(plan_);
    wiring_.follow(plan_);
    memory_.apply();
    prepare_workspaces();
    if (const KindOfWorker* planner = find_kind("planner"))
        plans_->set_budget(memory_.budget_of("planner"), planner->most_tasks);
    if (seen.verdict == Reload::replace_all) replace_all();
    reconcile(previous);
    announce_changes();
}

void Supervisor::say_notices(const Plan& plan) {
    for (const Notice& notice : plan.notices()) {
        // Said once: the reason for a degraded state often is one of the notices.
        if (plan.degraded().find(notice.text()) == std::string::npos)
            log_.say(severity_word(notice.severity()), notice.text());
    }
}

void Supervisor::mask_secrets_of(const Plan& plan) {
    // Those of earlier plans stay masked too: whoever still holds them may print them.
    for (const WorkerPlan& worker : plan.workers())
        for (const auto& secret : worker.secrets()) {
            std::erase(secrets_, secret.value());
            secrets_.push_back(secret.value());
        }
    if (secrets_.size() > most_secrets)
        secrets_.erase(secrets_.begin(), secrets_.end() - most_secrets);
    log_.mask(secrets_);
}

void Supervisor::apply_settings_of(const Plan& plan) {
    const auto& settings = plan.supervisor();
    // Without a wish the format stays that of the first lines, which the environment chose.
    if (!settings.log_format().empty())
        log_.format(settings.log_format() == "json" ? LogFormat::json : LogFormat::text);
    log_.limit(settings.log_lines_per_second());
    watch_->set_quiet(settings.has_reload_debounce_ms()
                          ? milliseconds(settings.reload_debounce_ms())
                          : ConfigWatch::usual_quiet);
}

// Nothing in hardshell.json may keep us from starting: without a plan in force the owner's wishes
// that do not fit are left out, and status says so.
Done Supervisor::share_memory(Plan& plan) {
    const Done shared = memory_.plan(plan);
    auto& settings = *plan.mutable_supervisor();
    std::string keys = settings.memory_total_bytes() > 0 ? "memory.total" : "";
    if (settings.memory_size() > 0) keys += keys.empty() ? "memory.workers" : " and memory.workers";
    if (shared || plans_->has_plan() || keys.empty()) return shared;
    auto& notice = *plan.add_notices();
    notice.set_severity(Notice::ERROR);
    notice.set_text(shared.error().what + "; without " + keys + " until that is mended");
    log_.say("error", notice.text());
    settings.clear_memory_total_bytes();
    settings.clear_memory();
    return memory_.plan(plan);
}

// With a plan in force it stays. Without one there is not enough even for the minimums, and
// nothing can be served.
void Supervisor::refuse_memory(const Error& why) {
    if (plans_->has_plan()) {
        refused_memory_ = why.what + "; the plan in force stays";
        log_.say("error", refused_memory_);
        return stay("");  // the file itself can be used
    }
    log_.say("error", why.what);
    exit_code_ = exit_code::bad_config;
    stop_all("there is not enough memory");
}

void Supervisor::reconcile(const Plan& previous) {
    for (const auto& worker : workers_)
        if (!find_in(plan_, worker->name()))
            worker->stop(options_.stop_budget, "removed from the configuration", false);
    const bool listeners_stay = same_listeners(previous, plan_);
    for (const WorkerPlan& wanted : plan_.workers()) {
        const KindOfWorker* kind = find_kind(wanted.kind());
        if (!kind) {
            log_.say("error", "the plan names " + wanted.name() + ", a kind of worker (" +
                                  wanted.kind() + ") that this build does not have");
            continue;
        }
        WorkerProcess* worker = find(wanted.name());
        if (!worker) {
            add_worker(*kind, wanted);
            continue;
        }
        const bool is_back = !find_in(previous, wanted.name());
        const bool same =
            !is_news(*worker, wanted) && (listeners_stay || !wiring_.has_listeners(wanted.name()));
        if (same && !is_back) continue;
        if (!same) worker->set_plan(wanted);
        if (!is_back && worker->is_stopped_by_owner()) continue;
        log_.say("", wanted.name() + (is_back ? " is in the configuration again"
                                              : " is replaced: its configuration changed"));
        worker->replace(options_.stop_budget);
    }
    for (const auto& worker : workers_)
        if (worker->state() == WorkerState::stopped && worker->incarnation() == 0) worker->start();
}

// A plan with which it did not come up is none: it would only fail again.
bool Supervisor::is_news(WorkerProcess& worker, const WorkerPlan& wanted) const {
    if (same_plan(worker.plan(), wanted)) {
        worker.forget_refused_plan();
        return false;
    }
    return !worker.refused_plan() || !same_plan(*worker.refused_plan(), wanted);
}

}  // namespace supervisor
