// The folders below the state directory that agents work in, for the supervisor to make.
#pragma once

#include <string>

#include "proto/plan.pb.h"
#include "workers/common/base/json.h"
#include "workers/planner/notices.h"

namespace planner {

// What cannot be a workspace is left out and said. What lies elsewhere is its owner's to make.
void add_workspaces(const Json& config, const std::string& state_dir, hardshell::proto::Plan& plan,
                    Notices& notices);

}  // namespace planner
