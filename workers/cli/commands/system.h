// `hardshell system`: tell the agent that something happened, and how its heart beats.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

int run_system_event(const Context& context);
int run_system_heartbeat(const Context& context);
int run_system_presence(const Context& context);

// For people.
std::string heartbeat_text(const Json& event, int64_t now_ms);
std::string presence_text(const Json& entries, const Style& style, int64_t now_ms);

}  // namespace cli
