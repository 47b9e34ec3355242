// Which agents a configuration has and where each of them works: the same for the process that
// plans their folders and for those that use them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

// Lower case, other characters become "-"; "main" when nothing is left. At most 64 characters, none
// of them "/" or ".": one path component, whatever came in.
std::string normal_agent_id(std::string_view text);

struct ListedAgent {
    std::string id;               // normal
    const Json* entry = nullptr;  // of agents.list; null: there is none
    // Absolute, or relative to the state directory.
    std::string workspace;
    // The key that says so, "agents.list[1].workspace"; empty: it is the usual one.
    std::string workspace_key;
};

struct AgentList {
    std::vector<ListedAgent> agents;  // never empty; of two with the same id the first
    std::string default_id;
};

// `home` replaces a leading "~" of a workspace; empty: it stays. The entries are the
// configuration's: it has to outlive them.
AgentList agents_in(const Json& config, const std::string& home);
