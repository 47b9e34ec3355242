#include "workers/planner/rules.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "workers/planner/public_paths.h"

namespace planner {

namespace {

using Findings = std::vector<RuleFinding>;

constexpr std::string_view known_channels[] = {
    "telegram",       "whatsapp",    "discord", "googlechat", "slack",      "signal",
    "imessage",       "bluebubbles", "line",    "matrix",     "mattermost", "msteams",
    "nextcloud-talk", "nostr",       "tlon",    "twitch",     "zalo",       "zalouser"};

void error(Findings& findings, Path path, std::string what, std::string cure = {}) {
    findings.push_back({true, std::move(path), std::move(what), std::move(cure)});
}

void warning(Findings& findings, Path path, std::string what, std::string cure = {}) {
    findings.push_back({false, std::move(path), std::move(what), std::move(cure)});
}

Path with(Path path, std::string name) {
    path.push_back(std::move(name));
    return path;
}

void channels_are_known(const Json& config, Findings& findings) {
    for (const auto& [id, section] : member(config, "channels").items())
        if (id != "defaults" && !is_known_channel(id))
            warning(findings, {"channels", id}, "this channel is not known; it is ignored");
}

bool allows_everyone(const Json& allow_from) {
    return allow_from.is_array() &&
           std::find(allow_from.begin(), allow_from.end(), Json("*")) != allow_from.end();
}

void check_open_policy(const Json& account, const Path& path, const char* policy,
                       Findings& findings) {
    if (text_member(account, policy) != "open" || allows_everyone(member(account, "allowFrom")))
        return;
    error(findings, with(path, policy), "\"open\" lets everyone in only together with allowFrom",
          "add allowFrom: [\"*\"], or use \"pairing\"");
}

void check_account(const Json& account, const Path& path, Findings& findings) {
    check_open_policy(account, path, "dmPolicy", findings);
    check_open_policy(member(account, "dm"), with(path, "dm"), "policy", findings);
    for (const auto& [id, inner] : member(account, "accounts").items())
        check_account(inner, with(with(path, "accounts"), id), findings);
}

void open_policies_allow_everyone(const Json& config, Findings& findings) {
    for (const auto& [id, section] : member(config, "channels").items())
        check_account(section, {"channels", id}, findings);
}

void slack_over_http_has_a_secret(const Json& config, Findings& findings) {
    const Json& slack = member_at(config, "channels.slack");
    if (text_member(slack, "mode") == "http" && text_member(slack, "signingSecret").empty())
        error(findings, {"channels", "slack", "mode"}, "\"http\" needs signingSecret",
              "add channels.slack.signingSecret, or use \"socket\"");
}

// Calls `visit` with each text of agents.list[].<key> and its path.
template <typename Visit>
void each_agent(const Json& config, const char* key, Visit visit) {
    size_t index = 0;
    for (const Json& agent : member_at(config, "agents.list")) {
        const std::string text = text_member(agent, key);
        if (!text.empty()) visit(text, Path{"agents", "list", std::to_string(index), key});
        ++index;
    }
}

void agents_do_not_share(const Json& config, Findings& findings) {
    for (const char* key : {"id", "agentDir"}) {
        std::map<std::string, Path> seen;
        each_agent(config, key, [&](const std::string& text, const Path& path) {
            const auto [first, is_new] = seen.emplace(text, path);
            if (!is_new)
                error(findings, path, "two agents cannot have the same " + std::string(key),
                      "it is also that of " + dotted(first->second));
        });
    }
}

std::set<std::string> agent_ids(const Json& config) {
    std::set<std::string> ids;
    each_agent(config, "id", [&](const std::string& id, const Path&) { ids.insert(id); });
    return ids;
}

void bindings_name_agents(const Json& config, Findings& findings) {
    const std::set<std::string> ids = agent_ids(config);
    if (ids.empty()) return;
    size_t index = 0;
    for (const Json& binding : member(config, "bindings")) {
        if (!ids.count(text_member(binding, "agentId")))
            warning(findings, {"bindings", std::to_string(index), "agentId"},
                    "agents.list has no such agent; the default agent answers instead");
        ++index;
    }
}

void broadcasts_name_agents(const Json& config, Findings& findings) {
    const std::set<std::string> ids = agent_ids(config);
    if (ids.empty()) return;
    for (const auto& [peer, agents] : member(config, "broadcast").items())
        if (agents.is_array())
            for (const Json& id : agents)
                if (!ids.count(id.get<std::string>()))
                    error(findings, {"broadcast", peer}, "agents.list has no agent " + id.dump());
}

void check_heartbeat(const Json& heartbeat, Path path, Findings& findings) {
    const std::string target = text_member(heartbeat, "target", "last");
    if (target == "last" || target == "none" || is_known_channel(target)) return;
    path.insert(path.end(), {"heartbeat", "target"});
    error(findings, std::move(path), "expected \"last\", \"none\" or the id of a channel");
}

void heartbeats_have_a_target(const Json& config, Findings& findings) {
    check_heartbeat(member_at(config, "agents.defaults.heartbeat"), {"agents", "defaults"},
                    findings);
    size_t index = 0;
    for (const Json& agent : member_at(config, "agents.list"))
        check_heartbeat(member(agent, "heartbeat"), {"agents", "list", std::to_string(index++)},
                        findings);
}

void hooks_have_a_token(const Json& config, Findings& findings) {
    const Json& hooks = member(config, "hooks");
    if (bool_member(hooks, "enabled") && text_member(hooks, "token").empty())
        error(findings, {"hooks", "enabled"}, "hooks need hooks.token",
              "add hooks.token, or set enabled to false");
}

void main_session_is_main(const Json& config, Findings& findings) {
    if (text_member(member(config, "session"), "mainKey", "main") != "main")
        warning(findings, {"session", "mainKey"}, "the main session is always \"main\"");
}

// A version that sorts after the one whose format this program reads.
bool is_newer(const std::string& version) {
    int year = 0, month = 0, patch = 0;
    if (std::sscanf(version.c_str(), "%d.%d.%d", &year, &month, &patch) < 2) return false;
    return std::tuple(year, month, patch) > std::tuple(2026, 1, 29);
}

void file_is_not_newer(const Json& config, Findings& findings) {
    const std::string version = text_member(member(config, "meta"), "lastTouchedVersion");
    if (is_newer(version))
        warning(findings, {"meta", "lastTouchedVersion"},
                "the file was last written by a newer OpenClaw; this build reads the keys of "
                "2026.1.29");
}

using Rule = void (*)(const Json& config, Findings& findings);

constexpr Rule rules[] = {
    file_is_not_newer,      agents_do_not_share,          bindings_name_agents,
    broadcasts_name_agents, heartbeats_have_a_target,     channels_are_known,
    main_session_is_main,   open_policies_allow_everyone, slack_over_http_has_a_secret,
    hooks_have_a_token,     check_public_paths,
};

}  // namespace

bool is_known_channel(std::string_view id) {
    return std::find(std::begin(known_channels), std::end(known_channels), id) !=
           std::end(known_channels);
}

std::vector<RuleFinding> check_rules(const Json& config) {
    Findings findings;
    for (const Rule rule : rules) rule(config, findings);
    return findings;
}

}  // namespace planner
