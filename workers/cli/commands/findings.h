// What `hardshell doctor` can find, each judged from evidence that is handed in. Nothing here
// changes anything.
#pragma once

#include <string>
#include <vector>

#include "proto/control.pb.h"
#include "proto/plan.pb.h"
#include "workers/common/base/result.h"

namespace cli {

enum class Weight { good, note, problem };

struct Finding {
    Weight weight;
    std::string subject;  // "state directory"
    std::string what;
    std::string cure;  // empty when there is nothing to do
};
using Findings = std::vector<Finding>;

// Exists, can be written, has room.
Findings judge_state_dir(const std::string& state_dir);
// Files with secrets that other users can read.
Findings judge_permissions(const std::string& state_dir, const std::string& config_path);
// The programs that a gateway consists of.
Findings judge_programs(const std::string& libexec_dir);
// The configuration, the credential, the model keys.
Findings judge_plan(const Result<hardshell::proto::Plan>& plan, const std::string& config_path);
// What the running gateway tells of itself, its workers and its log.
Findings judge_status(const Result<hardshell::proto::StatusReport>& status);
// The layers that keep workers apart, and what else this machine does not offer.
Findings judge_machine(const hardshell::proto::StatusReport& status);
// The workers' memory limits, against each other and against the machine (0: not known).
Findings judge_memory(const hardshell::proto::StatusReport& status, uint64_t machine_bytes);
// What this machine has, from /proc/meminfo.
uint64_t machine_memory();
// Lock files whose owner is gone: OpenClaw's, in the state directory and in `temporary`.
Findings judge_locks(const std::string& state_dir, const std::string& temporary);

// Adds what was not said before: one mistake in a file shows in several places.
void append_new(Findings& all, const Findings& part);

}  // namespace cli
