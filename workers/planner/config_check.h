// What a change of the configuration would do to what runs. Changes nothing.
#pragma once

#include "proto/plan.pb.h"
#include "workers/common/base/json.h"
#include "workers/planner/config.h"

namespace planner {

// {restarts, starts, stops: names of workers, reloadMode}
Json effect_of(const hardshell::proto::PlanRequest& request, const LoadedConfig& present,
               const LoadedConfig& next);

}  // namespace planner
