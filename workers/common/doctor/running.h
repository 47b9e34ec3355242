// What the running gateway tells about itself, its workers and its machine, judged from the
// supervisor's report. Pure but for machine_memory().
#pragma once

#include <cstdint>

#include "proto/control.pb.h"
#include "workers/common/base/result.h"
#include "workers/common/doctor/finding.h"

namespace doctor {

// About a configuration that a running gateway could not take over.
inline constexpr const char* correct_it =
    "correct it, it is taken over at once (where gateway.reload.mode is off by `hardshell reload`)";

// What the running gateway tells of itself, its workers and its log.
Findings judge_status(const Result<hardshell::proto::StatusReport>& status);
// The layers that keep workers apart, and what else this machine does not offer.
Findings judge_machine(const hardshell::proto::StatusReport& status);
// The workers' memory limits, against each other and against the machine (0: not known).
Findings judge_memory(const hardshell::proto::StatusReport& status, uint64_t machine_bytes);
// What this machine has, from /proc/meminfo.
uint64_t machine_memory();

}  // namespace doctor
