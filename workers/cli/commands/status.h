// `hardshell status`: the supervisor's table, for a person at three in the morning.
#pragma once

#include <string>

#include "proto/control.pb.h"
#include "workers/cli/context.h"

namespace cli {

// 0 all ready, 2 degraded.
int status_exit_code(const hardshell::proto::StatusReport& report);
std::string status_text(const hardshell::proto::StatusReport& report, int64_t now_ms,
                        const Style& style);
std::string status_json(const hardshell::proto::StatusReport& report, int64_t now_ms);
// "ready", "waiting", …
std::string state_name(hardshell::proto::WorkerStatus::State state);

int run_status(const Context& context);

}  // namespace cli
