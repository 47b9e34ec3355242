// Asks the planner what would run: the one reader of openclaw.json and of the secrets beside it.
//
// Asked for a plan it changes nothing: where no gateway has run yet, the planner is given a scratch
// directory to keep its files in, and a token that it made there is left out of the answer. As root
// the planner runs as the user that owns its files, as it does under the supervisor.
#pragma once

#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/cli/context.h"
#include "workers/common/base/result.h"

namespace cli {

// bad_config when the planner refuses, with its text; `system` when it cannot be run.
// `options`: those of `hardshell gateway`, which come before the configuration.
Result<hardshell::proto::Plan> ask_planner(const Context& context,
                                           const std::vector<std::string>& options = {});

// A question about openclaw.json or a change of it; `method` is a row of the table in
// workers/planner/config_calls.cpp. A change is written.
Result<hardshell::proto::ConfigAnswer> ask_planner_about_config(const Context& context,
                                                                const std::string& method,
                                                                const std::string& params_json);

const hardshell::proto::WorkerPlan* worker_of_kind(const hardshell::proto::Plan& plan,
                                                   const std::string& kind);
// The gateway's secret of that name, or nullptr.
const hardshell::proto::Secret* gateway_secret(const hardshell::proto::Plan& plan,
                                               const std::string& name);

}  // namespace cli
