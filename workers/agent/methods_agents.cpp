// Methods about the agents: which there are, and who each of them is.

#include "workers/agent/methods.h"

namespace agent {

namespace {

// "model" as a text or as {primary, fallbacks}.
std::string model_in(const Json& holder) {
    const Json& model = member(holder, "model");
    return std::string(
        trimmed(model.is_string() ? text_view(holder, "model") : text_view(model, "primary")));
}

// What leads to the agent: "telegram default".
Json routes_to(const std::string& agent, const Json& bindings) {
    Json routes = Json::array();
    for (const Json& binding : bindings) {
        const Json& match = member(binding, "match");
        if (normal_agent_id(text_member(binding, "agentId")) == agent)
            routes.push_back(text_member(match, "channel") + " " +
                             text_member(match, "accountId", "default"));
    }
    return routes;
}

// Where an agent lives, what it thinks with, and what leads to it.
void add_facts(Json& row, const AgentEntry& entry, const Json& config,
               const std::string& state_dir) {
    row["workspace"] = absolute_path(entry.workspace, state_dir);
    std::string directory;
    std::string model;
    for (const Json& item : member_at(config, "agents.list"))
        if (normal_agent_id(text_member(item, "id")) == entry.id) {
            directory = text_member(item, "agentDir");
            model = model_in(item);
        }
    if (directory.empty()) directory = "agents/" + entry.id + "/agent";
    row["agentDir"] = absolute_path(directory, state_dir);
    if (model.empty()) model = model_in(member_at(config, "agents.defaults"));
    if (!model.empty()) row["model"] = model;
    Json routes = routes_to(entry.id, member(config, "bindings"));
    row["bindings"] = routes.size();
    if (!routes.empty()) row["routes"] = std::move(routes);
}

}  // namespace

void Methods::agents_list(const Json&, const Reply& reply) {
    Json agents = Json::array();
    for (const AgentEntry& entry : services_.config.agents()) {
        Json row{{"id", entry.id}};
        if (!entry.name.empty()) row["name"] = entry.name;
        Json identity = Json::object();
        for (const char* name : {"name", "theme", "emoji", "avatar"})
            if (member(entry.identity, name).is_string())
                identity[name] = text_member(entry.identity, name);
        const std::string avatar = text_member(entry.identity, "avatar");
        if (avatar.starts_with("http://") || avatar.starts_with("https://") ||
            avatar.starts_with("data:"))
            identity["avatarUrl"] = avatar;
        if (!identity.empty()) row["identity"] = std::move(identity);
        add_facts(row, entry, services_.config.json(), services_.state_dir);
        agents.push_back(std::move(row));
    }
    reply(answer_with({{"defaultId", services_.config.default_agent()},
                       {"mainKey", "main"},
                       {"scope", services_.config.keys().global ? "global" : "per-sender"},
                       {"agents", agents}}));
}

void Methods::agent_identity(const Json& params, const Reply& reply) {
    const std::string wanted = text_member(params, "agentId");
    const std::string spelling = text_member(params, "sessionKey");
    std::string id = wanted.empty() ? services_.config.default_agent() : normal_agent_id(wanted);
    if (!trimmed(spelling).empty()) {
        const Result<SessionKey> key = canonical_key(spelling, services_.config.keys());
        if (!key) return reply(answer_for(key.error()));
        if (!wanted.empty() && key->agent != id)
            return reply(refused("invalid agent.identity.get params: agent \"" + wanted +
                                 "\" does not match the session key's agent \"" + key->agent +
                                 "\""));
        id = key->agent;
    }
    const AgentEntry* entry = services_.config.agent(id);
    if (!entry)
        return reply(refused("unknown agent id \"" + id +
                             "\"; configured agents: " + services_.config.agent_names()));
    const Identity identity = services_.config.identity(*entry);
    reply(answer_with({{"agentId", id}, {"name", identity.name}, {"avatar", identity.avatar}}));
}

}  // namespace agent
