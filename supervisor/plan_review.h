// Looks at a new plan before it takes the place of the one in force: whom it concerns, whether it
// is followed, and what the owner is told. Pure.
#pragma once

#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "supervisor/reload_policy.h"

namespace supervisor {

// A worker with the plan it has now.
struct PlannedWorker {
    const hardshell::proto::WorkerPlan* plan;
    bool holds_connections;  // of clients: it is handed listening sockets
};

struct PlanReview {
    Reload verdict = Reload::follow;
    std::string severity;  // of `remark`, as the log takes it
    std::string remark;    // empty: nothing to say
    // With Reload::wait: why what is in force is not what the owner wants now; empty: it is.
    std::string degraded;
    // With Reload::wait: what waits until it is asked for.
    std::string waiting;
};

PlanReview review(const hardshell::proto::Plan& in_force, const hardshell::proto::Plan& next,
                  const std::vector<PlannedWorker>& workers, ReloadCause cause);

}  // namespace supervisor
