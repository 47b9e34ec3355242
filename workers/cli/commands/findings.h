// What `hardshell doctor` can find, each judged from evidence that is handed in. Nothing here
// changes anything.
#pragma once

#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/common/base/paths.h"
#include "workers/common/base/result.h"
#include "workers/common/doctor/running.h"

namespace cli {

using doctor::append_new;
using doctor::Finding;
using doctor::Findings;
using doctor::judge_machine;
using doctor::judge_memory;
using doctor::judge_status;
using doctor::machine_memory;
using doctor::Weight;

// Exists, can be written, has room.
Findings judge_state_dir(const std::string& state_dir);
// Files with secrets that other users can read.
Findings judge_permissions(const std::string& state_dir, const std::string& config_path);
// The programs that a gateway consists of.
Findings judge_programs(const std::string& libexec_dir);
// The configuration, the credential, the model keys.
Findings judge_plan(const Result<hardshell::proto::Plan>& plan, const std::string& config_path,
                    bool gateway_runs);
// Secrets among the variables that this plan gives to nobody.
Findings judge_idle_secrets(const hardshell::proto::Plan& plan,
                            const paths::Environment& environment);
// Files of certificate authorities that a worker, which has a user of its own, cannot read.
Findings judge_authorities(const paths::Environment& environment);
// Lock files whose owner is gone: OpenClaw's, in the state directory and in `temporary`.
Findings judge_locks(const std::string& state_dir, const std::string& temporary);

}  // namespace cli
