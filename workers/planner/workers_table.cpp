#include "workers/planner/workers_table.h"

#include <algorithm>

#include "workers/planner/secrets.h"
#include "workers/planner/skill_entry.h"

namespace planner {

namespace {

// How the file is reloaded is the supervisor's business, where another gateway is a client's.
void reduce_gateway(Json& config) {
    if (!member(config, "gateway").is_object()) return;
    for (const char* key : {"reload", "remote"}) config["gateway"].erase(key);
}

// Only what decides the main session's key: who the agents are and how they think is none of the
// gateway's business, and a change of it closes no connection.
void reduce_for_gateway(Json& config) {
    reduce_gateway(config);
    if (const Json session = member(config, "session"); session.is_object()) {
        config["session"] = Json::object();
        if (session.contains("scope")) config["session"]["scope"] = session["scope"];
    }
    const Json agents = member(config, "agents");
    if (!agents.is_object()) return;
    Json reduced = Json::object();
    for (const Json& agent : member(agents, "list")) {
        Json& shown = reduced["list"].emplace_back(Json::object());
        for (const char* key : {"id", "default"})
            if (agent.contains(key)) shown[key] = agent[key];
    }
    config["agents"] = std::move(reduced);
}

template <typename Names>
bool holds(const Names& names, std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

// clang-format off
const WorkerKind worker_kinds[] = {
    {"gateway",
     {"gateway", "ui", "session", "agents", "logging", "canvasHost"},
     {"TZ", "OPENCLAW_VERSION", "GIT_COMMIT", "FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION",
      "TS_SOCKET"},
     reduce_for_gateway},
    {"agent",
     {"agents", "approvals", "audio", "auth", "bindings", "broadcast", "browser", "channels",
      "commands", "cron", "hooks", "logging", "media", "messages", "models", "nodeHost", "plugins",
      "session", "skills", "talk", "tools", "ui"},
     {"TZ", "OPENCLAW_VERSION", "GIT_COMMIT", "FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION",
      "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
      "https_proxy", "http_proxy", "no_proxy"},
     name_given_secrets},
};

const ChannelKind channels[] = {
    // id          configured by one of these too         has a worker
    {"discord",  {"DISCORD_BOT_TOKEN"},                    false},
    {"telegram", {"TELEGRAM_BOT_TOKEN"},                   false},
    {"slack",    {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"},   false},
    {"whatsapp", {},                                       false},
    {"signal",   {},                                       false},
    {"imessage", {},                                       false},
    {"googlechat", {},                                     false},
    {"msteams",  {},                                       false},
    {"matrix",   {},                                       false},
    {"mattermost", {},                                     false},
};
// clang-format on

const size_t worker_kind_count = std::size(worker_kinds);
const size_t channel_count = std::size(channels);

Json config_for(const WorkerKind& kind, const Json& config) {
    Json cut = Json::object();
    for (const auto& [section, value] : config.items()) {
        if (holds(kind.sections, section)) cut[section] = value;
    }
    if (kind.reduce) kind.reduce(cut);
    remove_secrets(cut);
    return cut;
}

std::vector<std::pair<std::string, std::string>> environment_for(const WorkerKind& kind,
                                                                 const Environment& environment) {
    std::vector<std::pair<std::string, std::string>> variables;
    for (const auto& [name, variable] : environment.all()) {
        const bool ours = name.compare(0, 10, "HARDSHELL_") == 0 && !names_a_secret(name);
        if ((ours || holds(kind.variables, name)) && !variable.value.empty())
            variables.emplace_back(name, variable.value);
    }
    return variables;
}

bool is_configured(const ChannelKind& channel, const Json& config, const Environment& environment) {
    const Json& section = member(member(config, "channels"), channel.id);
    if (section.is_object() && !section.empty()) return bool_member(section, "enabled", true);
    return environment.first_of(channel.token_variables) != nullptr;
}

}  // namespace planner
