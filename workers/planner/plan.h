// Answers a PlanRequest: from files and environment to the workers that should run.
//
// Always answers with a plan, unless a new configuration is refused: a file that cannot be used
// gives a degraded plan from the last good configuration, or an unconfigured one.
#pragma once

#include "proto/plan.pb.h"
#include "workers/planner/config.h"
#include "workers/planner/environment.h"

namespace planner {

hardshell::proto::PlanReply answer(const hardshell::proto::PlanRequest& request,
                                   Environment environment);

// The plan that a configuration would lead to. Changes nothing.
hardshell::proto::Plan plan_of(const hardshell::proto::PlanRequest& request,
                               const LoadedConfig& config);

}  // namespace planner
