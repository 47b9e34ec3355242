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

// What is served, and how; nothing while hooks are off, so that a change of them closes no
// connection.
void reduce_hooks(Json& config) {
    const Json hooks = member(config, "hooks");
    config.erase("hooks");
    if (!bool_member(hooks, "enabled")) return;
    for (const char* key : {"enabled", "path", "maxBodyBytes", "presets", "mappings"})
        if (hooks.contains(key)) config["hooks"][key] = hooks[key];
    for (const char* key : {"model", "thinking", "allowUnsafeExternalContent"})
        if (const Json& value = member(member(hooks, "gmail"), key); !value.is_null())
            config["hooks"]["gmail"][key] = value;
}

// Only what decides the main session's key: who the agents are and how they think is none of the
// gateway's business, and a change of it closes no connection.
void reduce_for_gateway(Json& config) {
    reduce_gateway(config);
    reduce_hooks(config);
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

// What commands may do, by agent; how an agent thinks is not its business.
void reduce_for_tools(Json& config) {
    const Json agents = member(config, "agents");
    config.erase("agents");
    for (const Json& agent : member(agents, "list")) {
        Json& shown = config["agents"]["list"].emplace_back(Json::object());
        for (const char* key : {"id", "tools"})
            if (agent.contains(key)) shown[key] = agent[key];
    }
}

template <typename Names>
bool holds(const Names& names, std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

// clang-format off
const WorkerKind worker_kinds[] = {
    {"gateway",
     {"gateway", "hooks", "ui", "session", "agents", "logging", "canvasHost"},
     {"TZ", "OPENCLAW_VERSION", "GIT_COMMIT", "FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION",
      "TS_SOCKET"},
     reduce_for_gateway},
    {"agent",
     {"agents", "approvals", "audio", "auth", "bindings", "broadcast", "browser", "channels",
      "commands", "cron", "logging", "media", "messages", "models", "nodeHost", "plugins",
      "session", "skills", "talk", "tools", "ui"},
     {"TZ", "OPENCLAW_VERSION", "GIT_COMMIT", "FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION",
      "OPENCLAW_SKIP_CRON", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
      "https_proxy", "http_proxy", "no_proxy"},
     name_given_secrets},
    {"tools",
     {"agents", "logging", "tools"},
     {"TZ", "LANG", "LC_ALL", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"},
     reduce_for_tools},
};

const WorkerKind channel_worker = {
    "channel",
    {},
    {"TZ", "OPENCLAW_VERSION", "GIT_COMMIT", "FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION",
     "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
     "https_proxy", "http_proxy", "no_proxy", "HARDSHELL_ALLOW_NAMES", "HARDSHELL_DISCORD_API_URL",
     "HARDSHELL_DISCORD_GATEWAY_URL", "HARDSHELL_TELEGRAM_API_URL"},
    nullptr};

const WorkerKind tunnel_worker = {
    "tunnel",
    {},
    {"TZ", "FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
     "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
     "TS_HOSTNAME", "TS_SOCKET"},
    nullptr};
// clang-format on

const size_t worker_kind_count = std::size(worker_kinds);

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
