// `hardshell logs --url | --token | --password`: the log over the gateway's port, as any client
// reads it. Without these options it comes from the supervisor of this machine, see logs.h.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// A line of the payload of logs.tail; empty when it is none, or of another worker than `worker`.
std::string remote_log_line(const std::string& line, const std::string& worker, bool json,
                            const Style& style);

int run_gateway_logs(const Context& context);

}  // namespace cli
