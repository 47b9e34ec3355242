#include "workers/agent/tool_policy.h"

#include <algorithm>
#include <initializer_list>

#include "workers/agent/ids.h"

namespace agent {

namespace {

using Names = std::initializer_list<std::string_view>;

struct NamedList {
    std::string_view name;
    Names members;
};

const NamedList groups[] = {
    {"group:fs", {"read", "write", "edit", "apply_patch"}},
    {"group:runtime", {"exec", "bash", "process"}},
    {"group:sessions",
     {"sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "session_status"}},
    {"group:memory", {"memory_search", "memory_get"}},
    {"group:web", {"web_search", "web_fetch"}},
    {"group:ui", {"browser", "canvas"}},
    {"group:automation", {"cron", "gateway"}},
    {"group:messaging", {"message"}},
    {"group:nodes", {"nodes"}},
    {"group:openclaw",
     {"browser", "canvas", "nodes", "cron", "message", "gateway", "agents_list", "sessions_list",
      "sessions_history", "sessions_send", "sessions_spawn", "session_status", "memory_search",
      "memory_get", "web_search", "web_fetch", "image", "tts"}},
};

// A profile that is not here, or none: everything.
const NamedList profiles[] = {
    {"minimal", {"session_status"}},
    {"coding", {"group:fs", "group:runtime", "group:sessions", "group:memory", "image"}},
    {"messaging",
     {"group:messaging", "sessions_list", "sessions_history", "sessions_send", "session_status"}},
};

// What a spawned session must leave to the one that spawned it. Messages among it: a conversation
// sends nothing to another channel, and would only have to spawn one that belongs to none.
constexpr std::string_view not_for_spawned[] = {
    "sessions_list",  "sessions_history", "sessions_send", "sessions_spawn",
    "session_status", "agents_list",      "gateway",       "cron",
    "memory_search",  "memory_get",       "message"};

bool lists(const Json& list, std::string_view tool) {
    if (!list.is_array()) return false;
    return std::any_of(list.begin(), list.end(), [&](const Json& pattern) {
        return pattern.is_string() && means_tool(pattern.get<std::string>(), tool);
    });
}

bool profile_allows(const Json& layer, std::string_view tool) {
    const std::string wanted = text_member(layer, "profile");
    for (const NamedList& profile : profiles)
        if (profile.name == wanted)
            return std::any_of(
                       profile.members.begin(), profile.members.end(),
                       [&](std::string_view pattern) { return means_tool(pattern, tool); }) ||
                   lists(member(layer, "alsoAllow"), tool);
    return true;
}

// All that a caller may have done: numbers can be forged, and what is heard is anybody's. Nothing
// that reads the owner's files, or speaks to a session that may do more.
const Json& call_layer() {
    static const Json layer{{"profile", "minimal"}, {"alsoAllow", {"web_search"}}};
    return layer;
}

// "agent:<id>:voice:<digits>"
bool is_of_call(std::string_view session_key) {
    return session_key.find(":voice:") != std::string_view::npos;
}

// By "provider/model", then by "provider".
const Json& provider_layer(const Json& tools, const ToolCaller& caller) {
    const Json& all = member(tools, "byProvider");
    const Json& exact = member(all, caller.provider + "/" + caller.model);
    return exact.is_object() ? exact : member(all, caller.provider);
}

const Json& tools_of(const Json& config, const std::string& agent) {
    for (const Json& entry : member_at(config, "agents.list"))
        if (normal_agent_id(text_view(entry, "id")) == agent) return member(entry, "tools");
    return member(Json(), "");
}

}  // namespace

bool means_tool(std::string_view pattern, std::string_view tool) {
    const std::string wanted = lower_case(trimmed(pattern));
    for (const NamedList& group : groups)
        if (group.name == wanted)
            return std::find(group.members.begin(), group.members.end(), tool) !=
                   group.members.end();
    return fits_stars(wanted, tool);
}

bool fits_stars(std::string_view pattern, std::string_view text) {
    const size_t star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == text;
    if (text.substr(0, star) != pattern.substr(0, star) || text.size() < star) return false;
    pattern.remove_prefix(star + 1);
    text.remove_prefix(star);
    // The next fixed piece is looked for from the left; the last one has to stand at the end.
    const size_t next = pattern.find('*');
    if (next == std::string_view::npos) return text.ends_with(pattern);
    const size_t place = text.find(pattern.substr(0, next));
    return place != std::string_view::npos &&
           fits_stars(pattern.substr(next), text.substr(place + next));
}

bool layer_allows(const Json& layer, std::string_view tool) {
    if (lists(member(layer, "deny"), tool)) return false;
    if (!profile_allows(layer, tool)) return false;
    const Json& allow = member(layer, "allow");
    return !allow.is_array() || allow.empty() || lists(allow, tool);
}

bool tool_allowed(const Json& config, const ToolCaller& caller, std::string_view tool) {
    const Json& global = member(config, "tools");
    const Json& own = tools_of(config, caller.agent);
    for (const Json* layer :
         {&global, &provider_layer(global, caller), &own, &provider_layer(own, caller)})
        if (!layer_allows(*layer, tool)) return false;
    // A call's session, and what it has spawned.
    if (is_of_call(caller.session_key) && !layer_allows(call_layer(), tool)) return false;
    const GroupPlace group =
        caller.group.channel.empty() ? group_in(caller.session_key) : caller.group;
    for (const Json* layer : group_layers(config, group, caller.sender))
        if (!layer_allows(*layer, tool)) return false;
    const bool spawned = caller.session_key.find(":subagent:") != std::string::npos;
    if (spawned && !layer_allows(member_at(global, "subagents.tools"), tool)) return false;
    return !spawned || std::find(std::begin(not_for_spawned), std::end(not_for_spawned), tool) ==
                           std::end(not_for_spawned);
}

}  // namespace agent
