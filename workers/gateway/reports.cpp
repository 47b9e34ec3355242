#include "workers/gateway/reports.h"

#include <algorithm>

#include "workers/gateway/channel_reports.h"
#include "workers/gateway/events_table.h"
#include "workers/gateway/methods_table.h"

namespace gateway {

using hardshell::proto::VolumeState;

namespace {

constexpr int64_t tick_interval_ms = 30'000;

// The agent's member, or what stands for it while nothing is known.
Json member_or(const Json& part, const char* key, Json otherwise) {
    const Json& found = member(part, key);
    return found.is_null() ? otherwise : found;
}

std::string why_not_ready(const WorkerState& worker) {
    const std::string last = worker.last_end().empty() ? "" : ": " + worker.last_end();
    switch (worker.state()) {
        case WorkerState::STOPPED:
            return "stopped by its owner; `hardshell start " + worker.name() + "` starts it";
        case WorkerState::HELD:
            return "held until its configuration or key changes" + last;
        case WorkerState::WAITING:
            return "waits to be started again" + last;
        case WorkerState::STARTING:
            return "starting" + last;
        default:
            return std::string(state_name(worker.state()));
    }
}

void set_text(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) object[key] = value;
}

// Absent where no tunnel is configured.
void add_tunnel(Json& report, const hardshell::proto::PublicUrl& url) {
    if (url.provider().empty()) return;
    Json& tunnel = report["tunnel"];
    tunnel = {{"state", doctor::tunnel_state_name(url.state())},
              {"provider", url.provider()},
              {"sinceMs", url.changed_ms()},
              {"changes", url.changes()}};
    set_text(tunnel, "url", url.url());
    set_text(tunnel, "problem", url.problem());
}

// Absent where its size is not known.
void add_volume(Json& report, const VolumeState& volume) {
    if (volume.total_bytes() == 0) return;
    Json& shown = report["volume"];
    shown = {{"state", doctor::volume_level_name(volume.level())},
             {"totalBytes", volume.total_bytes()},
             {"freeBytes", volume.free_bytes()},
             {"usedPercent", doctor::used_percent(volume)}};
    set_text(shown, "problem", volume.what());
}

}  // namespace

const WorkerState* find_worker(const WorkerStates& workers, std::string_view name) {
    for (const WorkerState& worker : workers)
        if (worker.name() == name) return &worker;
    return nullptr;
}

Json worker_list(const WorkerStates& workers) {
    Json list = Json::array();
    for (const WorkerState& worker : workers)
        list.push_back({{"name", worker.name()},
                        {"state", state_name(worker.state())},
                        {"pid", worker.pid()},
                        {"restarts", worker.restarts()},
                        {"lastEnd", worker.last_end()}});
    return list;
}

int volume_alarm(const VolumeState& volume) {
    switch (volume.level()) {
        case VolumeState::FILLING:
            return 1;
        case VolumeState::FULL:
        case VolumeState::READ_ONLY:
            return 2;
        default:
            return 0;
    }
}

Readiness readiness_of(const WorkerStates& workers, const OwnReadiness& own) {
    Readiness readiness;
    readiness.draining = own.draining;
    const WorkerState* agent = find_worker(workers, "agent");
    const bool agent_serves = !agent || agent->state() == WorkerState::READY;
    readiness.started = own.ready && !own.draining && (own.has_started || agent_serves);
    for (const WorkerState& worker : workers) {
        // The gateway knows about itself before the supervisor does.
        if (worker.kind() == "gateway" || worker.state() == WorkerState::READY) continue;
        const bool counts = worker.critical() || &worker == agent;
        if (counts || worker.state() == WorkerState::HELD)
            readiness.missing.push_back({worker.name(), why_not_ready(worker)});
    }
    if (own.volume && volume_alarm(*own.volume) > 0) readiness.volume = own.volume->what();
    readiness.ready = readiness.started && readiness.missing.empty() && readiness.volume.empty();
    return readiness;
}

Json health_report(const Json& agent_part, const WorkerStates& workers,
                   const GatewaySettings& settings, bool ok, int64_t now_ms, int64_t duration_ms) {
    const Json no_sessions = {{"path", ""}, {"count", 0}, {"recent", Json::array()}};
    Json report = {{"ok", ok},
                   {"ts", now_ms},
                   {"durationMs", duration_ms},
                   {"channels", Json::object()},
                   {"channelOrder", Json::array()},
                   {"channelLabels", Json::object()}};
    add_channels_health(report, settings.channels, workers);
    report["heartbeatSeconds"] = member_or(agent_part, "heartbeatSeconds", 0);
    report["defaultAgentId"] = member_or(agent_part, "defaultAgentId", settings.default_agent);
    report["agents"] = member_or(agent_part, "agents", Json::array());
    report["sessions"] = member_or(agent_part, "sessions", no_sessions);
    report["workers"] = worker_list(workers);
    add_tunnel(report, settings.public_url);
    add_volume(report, settings.volume);
    set_text(report, "degraded", settings.degraded);
    return report;
}

Json status_report(const Json& agent_part, const WorkerStates& workers,
                   const GatewaySettings& settings) {
    const Json no_heartbeat = {{"defaultAgentId", settings.default_agent},
                               {"agents", Json::array()}};
    const Json no_sessions = {
        {"paths", Json::array()},
        {"count", 0},
        {"defaults", {{"model", nullptr}, {"contextTokens", nullptr}}},
        {"recent", Json::array()},
        {"byAgent", Json::array()},
    };
    Json report = {
        {"heartbeat", member_or(agent_part, "heartbeat", no_heartbeat)},
        {"channelSummary", channel_lines(settings.channels, workers)},
        {"queuedSystemEvents", member_or(agent_part, "queuedSystemEvents", Json::array())},
        {"sessions", member_or(agent_part, "sessions", no_sessions)}};
    if (const Json& model = member(agent_part, "model"); !model.is_null()) report["model"] = model;
    report["workers"] = worker_list(workers);
    add_tunnel(report, settings.public_url);
    add_volume(report, settings.volume);
    report["version"] = settings.version;
    set_text(report, "degraded", settings.degraded);
    return report;
}

// Put together from texts: most of it is the same for everybody, or printed already.
std::string hello_text(const Admission& admission, const GatewaySettings& settings,
                       const Surroundings& around) {
    static const std::string features =
        print_json({{"methods", offered_methods()}, {"events", offered_events()}});
    static const std::string policy = print_json({{"maxPayload", largest_frame},
                                                  {"maxBufferedBytes", most_unsent_events},
                                                  {"tickIntervalMs", tick_interval_ms}});
    Json server = {{"version", settings.version}};
    set_text(server, "commit", settings.commit);
    server["host"] = settings.host;
    server["connId"] = around.connection_id;
    const Json rest = {{"stateVersion",
                        {{"presence", around.version.presence}, {"health", around.version.health}}},
                       {"uptimeMs", around.uptime_ms},
                       {"configPath", settings.config_path},
                       {"stateDir", settings.state_dir},
                       {"sessionDefaults",
                        {{"defaultAgentId", settings.default_agent},
                         {"mainKey", "main"},
                         {"mainSessionKey", settings.main_session_key()},
                         {"scope", settings.sessions_global ? "global" : "per-sender"}}}};
    std::string text = R"({"type":"hello-ok","protocol":)" + std::to_string(protocol_version);
    text += R"(,"server":)" + print_json(server) + R"(,"features":)" + features;
    text += R"(,"snapshot":{"presence":)" + around.presence_json + R"(,"health":)";
    text += around.health_json.empty() ? "{}" : around.health_json;
    text += "," + print_json(rest).substr(1);
    if (!admission.token.token.empty())
        text += R"(,"auth":)" + print_json({{"deviceToken", admission.token.token},
                                            {"role", admission.token.role},
                                            {"scopes", admission.token.scopes},
                                            {"issuedAtMs", admission.token.issued_at_ms}});
    return text + R"(,"policy":)" + policy + "}";
}

Json presence_facts(const Admission& admission, const RequestSource& source) {
    const ConnectParams& params = admission.params;
    Json facts = {{"host", params.display_name.empty() ? params.client_id : params.display_name}};
    if (!source.local) facts["ip"] = source.address;
    set_text(facts, "version", params.client_version);
    set_text(facts, "platform", params.platform);
    set_text(facts, "deviceFamily", params.device_family);
    set_text(facts, "modelIdentifier", params.model_identifier);
    set_text(facts, "mode", params.client_mode);
    facts["reason"] = "connect";
    set_text(facts, "deviceId", admission.device_id);
    facts["roles"] = Json::array({admission.role});
    facts["scopes"] = admission.scopes;
    set_text(facts, "instanceId", params.instance_id);
    return facts;
}

}  // namespace gateway
