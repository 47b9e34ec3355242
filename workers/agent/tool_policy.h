// Which tools the owner lets an agent use: a profile, then lists of what is allowed and denied, in
// several layers. Each layer can only take away; what is denied anywhere is denied. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/agent/group_rules.h"
#include "workers/common/base/json.h"

namespace agent {

// One layer, as section `tools` of the configuration and `tools` of an agent have it. A layer that
// says nothing allows everything.
bool layer_allows(const Json& layer, std::string_view tool);

// All layers: `tools`, its `byProvider` for the model, those of the agent, those of the group or
// channel that is spoken in, and what a session that an agent has spawned may not do.
struct ExecChoice {
    std::string host, security, ask;  // empty: as configured
};
struct ToolCaller {
    std::string agent;
    std::string provider;
    std::string model;
    std::string session_key;
    ExecChoice exec = {};  // of a person, for this turn or its session
    // Where it is spoken, or was when this session was spawned; without a channel the session's key
    // has to tell.
    GroupPlace group = {};
    std::string sender = {};  // who is answered there; empty: nobody in particular
};
bool tool_allowed(const Json& config, const ToolCaller& caller, std::string_view tool);

// "group:sessions", "web_*", "exec": whether the tool is meant.
bool means_tool(std::string_view pattern, std::string_view tool);
// `*` stands for any letters.
bool fits_stars(std::string_view pattern, std::string_view text);

}  // namespace agent
