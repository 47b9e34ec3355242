#include "workers/agent/agent_access.h"

#include <algorithm>

#include "workers/agent/ids.h"
#include "workers/agent/tool_policy.h"

namespace agent {

namespace {

// No list, or an empty one: every agent.
bool is_in_agent_list(const Json& allow, const std::string& agent) {
    if (!allow.is_array() || allow.empty()) return true;
    return std::any_of(allow.begin(), allow.end(), [&](const Json& pattern) {
        return pattern.is_string() &&
               fits_stars(lower_case(trimmed(pattern.get<std::string>())), agent);
    });
}

const Json& spawn_list_of(const Json& config, const std::string& agent) {
    for (const Json& entry : member_at(config, "agents.list"))
        if (normal_agent_id(text_view(entry, "id")) == agent)
            return member_at(entry, "subagents.allowAgents");
    return member(Json(), "");
}

}  // namespace

std::string reach_refusal(const Json& config, const std::string& asking, const std::string& asked) {
    if (asking == asked) return {};
    const Json& rules = member_at(config, "tools.agentToAgent");
    if (!bool_member(rules, "enabled"))
        return "the sessions and jobs of agent " + asked +
               " are not open to others: tools.agentToAgent.enabled=true allows it";
    const Json& allow = member(rules, "allow");
    if (is_in_agent_list(allow, asking) && is_in_agent_list(allow, asked)) return {};
    return "tools.agentToAgent.allow does not let agent " + asking + " reach agent " + asked;
}

bool may_reach_agent(const Json& config, const std::string& asking, const std::string& asked) {
    return reach_refusal(config, asking, asked).empty();
}

std::string spawn_refusal(const Json& config, const std::string& asking, const std::string& asked) {
    if (asking == asked) return {};
    std::string allowed;
    for (const Json& entry : spawn_list_of(config, asking)) {
        if (!entry.is_string()) continue;
        const std::string name(trimmed(entry.get_ref<const std::string&>()));
        if (name == "*" || (!name.empty() && normal_agent_id(name) == asked)) return {};
        allowed += (allowed.empty() ? "" : ", ") + name;
    }
    return "agentId is not allowed for sessions_spawn (allowed: " +
           (allowed.empty() ? "none" : allowed) + "); subagents.allowAgents of agent " + asking +
           " names those that are";
}

}  // namespace agent
