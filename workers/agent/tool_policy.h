// Which tools the owner lets an agent use: a profile, then lists of what is allowed and denied, in
// several layers. Each layer can only take away; what is denied anywhere is denied. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace agent {

// One layer, as section `tools` of the configuration and `tools` of an agent have it. A layer that
// says nothing allows everything.
bool layer_allows(const Json& layer, std::string_view tool);

// All layers: `tools`, its `byProvider` for the model, those of the agent, and what a session that
// an agent has spawned may not do.
struct ExecChoice {
    std::string host, security, ask;  // empty: as configured
};
struct ToolCaller {
    std::string agent;
    std::string provider;
    std::string model;
    std::string session_key;
    ExecChoice exec = {};  // of a person, for this turn or its session
};
bool tool_allowed(const Json& config, const ToolCaller& caller, std::string_view tool);

// "group:sessions", "web_*", "exec": whether the tool is meant.
bool means_tool(std::string_view pattern, std::string_view tool);

}  // namespace agent
