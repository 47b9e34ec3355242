#include "workers/cli/commands/status.h"

#include <algorithm>

#include "workers/cli/commands/worker_report.h"
#include "workers/cli/control_client.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/json.h"
#include "workers/common/doctor/words.h"

namespace cli {

namespace {

using hardshell::proto::StatusReport;
using hardshell::proto::WorkerStatus;

std::string address_of(const StatusReport& report) {
    if (report.port() == 0) return "not known yet: there is no plan, see `hardshell logs`";
    return "port " + std::to_string(report.port()) + ", bind " + report.bind();
}

std::vector<std::vector<Cell>> facts(const StatusReport& report) {
    std::vector<std::vector<Cell>> rows = {
        {{"  address"}, {address_of(report)}},
        {{"  state directory"}, {report.state_dir()}},
        {{"  configuration"},
         {report.config_path() + " (in force: " +
          (report.plan_source().empty() ? "nothing yet" : report.plan_source()) + ")"}},
    };
    if (report.has_public_url()) {
        const auto& url = report.public_url();
        const bool is_well =
            url.state() == hardshell::proto::PublicUrl::UP && url.problem().empty();
        rows.push_back(
            {{"  tunnel"}, {doctor::tunnel_in_words(url), is_well ? Colour::none : Colour::bad}});
    }
    if (report.volume().total_bytes() > 0) {
        const auto level = report.volume().level();
        const bool has_room = level == hardshell::proto::VolumeState::ROOM;
        rows.push_back({{"  volume"},
                        {std::to_string(doctor::used_percent(report.volume())) + " % of " +
                             doctor::size(report.volume().total_bytes()) + " used" +
                             (has_room ? "" : ": " + std::string(doctor::volume_level_name(level))),
                         has_room ? Colour::none : Colour::bad}});
    }
    if (!report.degraded().empty())
        rows.push_back({{"  DEGRADED", Colour::bad}, {printable(report.degraded()), Colour::bad}});
    return rows;
}

}  // namespace

int status_exit_code(const StatusReport& report) {
    const bool all_ready = std::all_of(
        report.workers().begin(), report.workers().end(),
        [](const WorkerStatus& worker) { return worker.state() == WorkerStatus::READY; });
    return report.degraded().empty() && all_ready && report.workers_size() > 0 ? 0 : 2;
}

std::string status_text(const StatusReport& report, int64_t now_ms, const Style& style,
                        size_t columns) {
    std::string out = "Hardshell " + report.version() + ", process " +
                      std::to_string(report.pid()) + ", running for " +
                      duration(now_ms - report.started_ms()) + "\n";
    out += table(facts(report), style) + "\n";
    std::vector<std::vector<Cell>> rows = {worker_heading()};
    for (const WorkerStatus& worker : report.workers()) rows.push_back(worker_row(worker, now_ms));
    out += table(rows, style, columns);
    if (!report.memory_mode().empty())
        out += "\nMemory limits: " + printable(report.memory_mode()) + "\n";
    if (report.log_lines_dropped() > 0)
        out += "\n" + std::to_string(report.log_lines_dropped()) +
               " log lines were lost: standard output was not read\n";
    if (report.notices_size() > 0) out += "\nFor you to know:\n";
    for (const auto& notice : report.notices())
        out += "  " +
               style.paint(notice.severity() == "error" ? Colour::bad : Colour::warn,
                           notice.severity()) +
               ": " + printable(notice.text()) + "\n";
    if (report.missing_size() > 0) out += "\nNot offered by this machine:\n";
    for (const std::string& missing : report.missing()) out += "  " + printable(missing) + "\n";
    return out;
}

namespace {

bool gateway_is_ready(const StatusReport& report) {
    return std::any_of(
        report.workers().begin(), report.workers().end(), [](const WorkerStatus& worker) {
            return worker.kind() == "gateway" && worker.state() == WorkerStatus::READY;
        });
}

Json agents_in(const Json& gateway) {
    Json agents = Json::array();
    for (const Json& agent : member_at(gateway, "sessions.byAgent"))
        agents.push_back({{"id", text_member(agent, "agentId")},
                          {"sessionsPath", text_member(agent, "path")},
                          {"sessionsCount", int_member(agent, "count")}});
    return {{"defaultId", text_member(member(gateway, "heartbeat"), "defaultAgentId", "main")},
            {"agents", std::move(agents)},
            {"totalSessions", int_member(member(gateway, "sessions"), "count")}};
}

void add_what_the_gateway_knows(const Json& gateway, Json& out) {
    out["agents"] = agents_in(gateway);
    for (const char* list : {"channelSummary", "queuedSystemEvents"})
        out[list] = member(gateway, list).is_array() ? member(gateway, list) : Json(Json::array());
    for (const char* section : {"sessions", "heartbeat"}) out[section] = member(gateway, section);
}

}  // namespace

std::string status_json(const StatusReport& report, int64_t now_ms, const Json& gateway) {
    Json out = {{"running", true},
                {"ok", status_exit_code(report) == 0},
                {"version", report.version()},
                {"pid", report.pid()},
                {"startedAtMs", report.started_ms()},
                {"uptimeMs", now_ms - report.started_ms()},
                {"stateDir", report.state_dir()},
                {"configPath", report.config_path()},
                {"configSource", report.plan_source()},
                {"port", report.port()},
                {"gateway",
                 {{"mode", "local"},
                  {"url", "ws://127.0.0.1:" + std::to_string(report.port())},
                  {"reachable", gateway_is_ready(report)}}},
                {"bind", report.bind()},
                {"degraded", report.degraded()},
                {"descriptors", report.descriptors()},
                {"logLinesDropped", report.log_lines_dropped()},
                {"memoryMode", report.memory_mode()},
                {"workers", Json::array()},
                {"layers", Json::array()},
                {"missing", Json::array()},
                {"notices", Json::array()}};
    if (report.has_public_url())
        out["tunnel"] = {{"state", doctor::tunnel_state_name(report.public_url().state())},
                         {"url", report.public_url().url()},
                         {"provider", report.public_url().provider()},
                         {"problem", report.public_url().problem()},
                         {"changes", report.public_url().changes()}};
    if (report.volume().total_bytes() > 0)
        out["volume"] = {{"state", doctor::volume_level_name(report.volume().level())},
                         {"totalBytes", report.volume().total_bytes()},
                         {"freeBytes", report.volume().free_bytes()},
                         {"usedPercent", doctor::used_percent(report.volume())},
                         {"problem", report.volume().what()}};
    for (const auto& worker : report.workers())
        out["workers"].push_back(worker_json(worker, now_ms));
    for (const auto& layer : report.layers())
        out["layers"].push_back(
            {{"name", layer.name()}, {"holds", layer.holds()}, {"detail", layer.detail()}});
    for (const auto& missing : report.missing()) out["missing"].push_back(missing);
    for (const auto& notice : report.notices())
        out["notices"].push_back({{"severity", notice.severity()}, {"text", notice.text()}});
    add_what_the_gateway_knows(gateway, out);
    return print_json(out) + "\n";
}

namespace {

int show_worker(const StatusReport& report, const std::string& name, const Context& context) {
    for (const WorkerStatus& worker : report.workers()) {
        if (worker.name() != name) continue;
        print(context.arguments.has("json") ? print_json(worker_json(worker, wall_ms())) + "\n"
                                            : worker_text(worker, wall_ms(), context.style));
        return worker.state() == WorkerStatus::READY ? 0 : 2;
    }
    std::string known;
    for (const WorkerStatus& worker : report.workers())
        known += (known.empty() ? "" : ", ") + worker.name();
    return fail({Fault::bad_message, "there is no worker \"" + name + "\"; there are: " + known});
}

}  // namespace

int run_status(const Context& context) {
    const bool json = context.arguments.has("json");
    Result<StatusReport> report = ask_status(context);
    if (!report) {
        const bool down = report.error().fault == Fault::unreachable;
        if (json)
            print(print_json({{"running", !down}, {"ok", false}, {"error", report.error().what}}) +
                  "\n");
        return fail(report.error());
    }
    if (!context.arguments.operands().empty())
        return show_worker(*report, context.arguments.operands().front(), context);
    if (json) {
        // A gateway that is down has its reason in the report.
        const Result<Json> gateway = ask_gateway_as_owner(context, "status", Json::object());
        print(status_json(*report, wall_ms(), gateway ? *gateway : Json()));
    } else {
        print(status_text(*report, wall_ms(), context.style, terminal_columns()));
    }
    return status_exit_code(*report);
}

}  // namespace cli
