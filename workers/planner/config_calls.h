// Questions about openclaw.json and changes of it, as clients of the gateway and the command line
// ask them. One table of methods; the answers have the shapes of OpenClaw's gateway.
//
// Shows no secret unless it is asked for one by name. Writes a file that can be used, or nothing.
#pragma once

#include "proto/plan.pb.h"
#include "workers/planner/environment.h"

namespace planner {

// `environment` as for a plan, the state directory's .env included.
hardshell::proto::ConfigAnswer answer_config_call(const hardshell::proto::PlanRequest& request,
                                                  const Environment& environment);

}  // namespace planner
