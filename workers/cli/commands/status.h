// `hardshell status`: the supervisor's table, for a person at three in the morning; and with a
// worker's name everything about that one.
#pragma once

#include <string>

#include "proto/control.pb.h"
#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// 0 all ready, 2 degraded.
int status_exit_code(const hardshell::proto::StatusReport& report);
// `columns`: cut what would not fit on a line of the terminal; 0: cut nothing.
std::string status_text(const hardshell::proto::StatusReport& report, int64_t now_ms,
                        const Style& style, size_t columns = 0);
// With OpenClaw's keys, which come from `gateway`: the answer to the gateway's method "status",
// null where it gave none.
std::string status_json(const hardshell::proto::StatusReport& report, int64_t now_ms,
                        const Json& gateway = {});

int run_status(const Context& context);

}  // namespace cli
