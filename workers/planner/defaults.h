// What a configuration means where it says nothing. Only adds keys that are missing; what belongs
// to a section that only its reader needs (the default model, a channel's limits) is that reader's.
#pragma once

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"

namespace planner {

void apply_defaults(Json& config, const Environment& environment);

}  // namespace planner
