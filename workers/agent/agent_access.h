// Which agents' sessions an agent may reach with its tools: its own, and others' as far as
// `tools.agentToAgent` and `subagents.allowAgents` say. Pure.
#pragma once

#include <string>

#include "workers/common/base/json.h"

namespace agent {

// Reading, listing and writing to: both agents have to be in the list, where there is one.
bool may_reach_agent(const Json& config, const std::string& asking, const std::string& asked);
// Why not, with the key to change; empty: it may.
std::string reach_refusal(const Json& config, const std::string& asking, const std::string& asked);
// Starting a task as that agent; empty: it may.
std::string spawn_refusal(const Json& config, const std::string& asking, const std::string& asked);

}  // namespace agent
