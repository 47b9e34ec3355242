#include "supervisor/plan_review.h"

#include <algorithm>

#include "supervisor/plan_changes.h"

namespace supervisor {

namespace {

using hardshell::proto::Plan;
using hardshell::proto::WorkerPlan;

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

struct Concerned {
    std::vector<std::string> names;
    bool closes_connections = false;
};

Concerned concerned_by(const Plan& in_force, const Plan& next,
                       const std::vector<PlannedWorker>& workers) {
    const bool listeners_stay = same_listeners(in_force, next);
    Concerned concerned;
    for (const WorkerPlan& wanted : next.workers()) {
        const auto worker =
            std::find_if(workers.begin(), workers.end(), [&](const PlannedWorker& candidate) {
                return candidate.plan->name() == wanted.name();
            });
        const bool is_new = worker == workers.end();
        if (!is_new && same_plan(*worker->plan, wanted) &&
            (listeners_stay || !worker->holds_connections))
            continue;
        concerned.names.push_back(wanted.name());
        concerned.closes_connections |= !is_new && worker->holds_connections;
    }
    for (const PlannedWorker& worker : workers)
        if (std::none_of(next.workers().begin(), next.workers().end(),
                         [&](const auto& wanted) { return wanted.name() == worker.plan->name(); }))
            concerned.names.push_back(worker.plan->name());
    return concerned;
}

std::string consequence(Reload verdict, const Concerned& concerned) {
    if (verdict == Reload::replace_all) return "every worker is restarted";
    return concerned.names.empty() ? "no worker is concerned"
                                   : "it concerns " + listed(concerned.names);
}

}  // namespace

PlanReview review(const Plan& in_force, const Plan& next, const std::vector<PlannedWorker>& workers,
                  ReloadCause cause) {
    // A file that somebody moves away for a moment is no wish to run without one.
    if (cause == ReloadCause::noticed && next.source() == "none" && in_force.source() != "none")
        return {Reload::wait, "warn", "the configuration file is gone; the plan in force stays",
                "the configuration file is gone; the plan in force stays", ""};
    const Concerned concerned = concerned_by(in_force, next, workers);
    const std::string keys = listed({next.changed().begin(), next.changed().end()});
    if (keys.empty() && concerned.names.empty()) return {};
    const std::string change =
        "the configuration has changed" + (keys.empty() ? "" : " (" + keys + ")");
    const std::string& mode = next.supervisor().reload_mode();
    const Reload verdict = reload_for(cause, mode, concerned.closes_connections);
    if (verdict != Reload::wait)
        return {verdict, "", change + ": " + consequence(verdict, concerned), "", ""};
    const std::string waiting = change + " and waits, because gateway.reload.mode is " + mode +
                                ": `hardshell reload` applies it";
    return {verdict, "warn", waiting, "", waiting};
}

}  // namespace supervisor
