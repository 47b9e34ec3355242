#include "workers/common/base/agent_list.h"

#include <algorithm>

#include "workers/common/base/text.h"

namespace {

constexpr size_t longest_agent_id = 64;

bool is_id_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string with_home(std::string path, const std::string& home) {
    if (!home.empty() && (path == "~" || path.starts_with("~/"))) path.replace(0, 1, home);
    return path;
}

void add_listed(const Json& list, AgentList& found) {
    for (size_t index = 0; list.is_array() && index < list.size(); ++index) {
        const Json& entry = list[index];
        if (text_member(entry, "id").empty()) continue;
        const std::string id = normal_agent_id(text_member(entry, "id"));
        if (std::any_of(found.agents.begin(), found.agents.end(),
                        [&](const ListedAgent& other) { return other.id == id; }))
            continue;
        found.agents.push_back({id, &entry, text_member(entry, "workspace"),
                                "agents.list[" + std::to_string(index) + "].workspace"});
        if (bool_member(entry, "default") && found.default_id.empty()) found.default_id = id;
    }
}

}  // namespace

std::string normal_agent_id(std::string_view text) {
    std::string id;
    for (char c : trimmed(text)) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (is_id_character(c))
            id += c;
        else if (!id.empty() && id.back() != '-')
            id += '-';
        if (id.size() == longest_agent_id) break;
    }
    while (!id.empty() && (id.front() == '-' || id.front() == '_')) id.erase(0, 1);
    while (!id.empty() && id.back() == '-') id.pop_back();
    return id.empty() ? "main" : id;
}

AgentList agents_in(const Json& config, const std::string& home) {
    AgentList found;
    add_listed(member_at(config, "agents.list"), found);
    if (found.agents.empty()) found.agents.push_back({"main", nullptr, "", ""});
    if (found.default_id.empty()) found.default_id = found.agents.front().id;
    const std::string shared = text_member(member_at(config, "agents.defaults"), "workspace");
    for (ListedAgent& agent : found.agents) {
        const bool is_default = agent.id == found.default_id;
        if (agent.workspace.empty() && is_default && !shared.empty()) {
            agent.workspace = shared;
            agent.workspace_key = "agents.defaults.workspace";
        } else if (agent.workspace.empty()) {
            agent.workspace = is_default ? "workspace" : "workspace-" + agent.id;
            agent.workspace_key.clear();
        }
        agent.workspace = with_home(std::move(agent.workspace), home);
    }
    return found;
}
