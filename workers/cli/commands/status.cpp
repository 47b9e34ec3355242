#include "workers/cli/commands/status.h"

#include <algorithm>

#include "workers/cli/control_client.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/json.h"

namespace cli {

namespace {

using hardshell::proto::StatusReport;
using hardshell::proto::WorkerStatus;

struct StateRow {
    WorkerStatus::State state;
    const char* name;
    Colour colour;
};
constexpr StateRow states[] = {
    {WorkerStatus::STARTING, "starting", Colour::warn},
    {WorkerStatus::READY, "ready", Colour::good},
    {WorkerStatus::STOPPING, "stopping", Colour::warn},
    {WorkerStatus::WAITING, "waiting", Colour::bad},  // down, will be started again
    {WorkerStatus::HELD, "held", Colour::bad},        // down until its configuration changes
    {WorkerStatus::STOPPED, "stopped", Colour::faint},
};
constexpr StateRow unknown = {WorkerStatus::STATE_UNKNOWN, "unknown", Colour::warn};

const StateRow& row_of(WorkerStatus::State state) {
    const auto found = std::find_if(std::begin(states), std::end(states),
                                    [&](const StateRow& row) { return row.state == state; });
    return found == std::end(states) ? unknown : *found;
}

bool is_up(const WorkerStatus& worker) {
    return worker.pid() > 0;
}

std::string remark(const WorkerStatus& worker, int64_t now_ms) {
    std::string out = printable(worker.last_end());
    const auto add = [&](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
    if (worker.state() == WorkerStatus::WAITING && worker.next_start_ms() > 0)
        add("starts again in " + duration(worker.next_start_ms() - now_ms));
    if (worker.state() == WorkerStatus::HELD) add("held until its configuration or key changes");
    return out;
}

std::vector<Cell> worker_row(const WorkerStatus& worker, int64_t now_ms) {
    const StateRow& state = row_of(worker.state());
    const bool up = is_up(worker);
    const bool aged = up && worker.started_ms() > 0;
    return {
        {worker.name()},
        {state.name, state.colour},
        {up ? std::to_string(worker.pid()) : "-"},
        {aged ? duration(now_ms - worker.started_ms()) : "-"},
        {std::to_string(worker.restarts())},
        {worker.memory_bytes() > 0 ? size(worker.memory_bytes()) : "-"},
        {remark(worker, now_ms)},
    };
}

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
    if (!report.degraded().empty())
        rows.push_back({{"  DEGRADED", Colour::bad}, {printable(report.degraded()), Colour::bad}});
    return rows;
}

Json worker_json(const WorkerStatus& worker, int64_t now_ms) {
    Json out = {{"name", worker.name()},
                {"kind", worker.kind()},
                {"state", state_name(worker.state())},
                {"critical", worker.critical()},
                {"pid", worker.pid()},
                {"incarnation", worker.incarnation()},
                {"restarts", worker.restarts()},
                {"startedAtMs", worker.started_ms()},
                {"memoryBytes", worker.memory_bytes()},
                {"lastEnd", worker.last_end()}};
    if (is_up(worker) && worker.started_ms() > 0) out["uptimeMs"] = now_ms - worker.started_ms();
    if (worker.next_start_ms() > 0) out["nextStartAtMs"] = worker.next_start_ms();
    return out;
}

}  // namespace

std::string state_name(WorkerStatus::State state) {
    return row_of(state).name;
}

int status_exit_code(const StatusReport& report) {
    const bool all_ready = std::all_of(
        report.workers().begin(), report.workers().end(),
        [](const WorkerStatus& worker) { return worker.state() == WorkerStatus::READY; });
    return report.degraded().empty() && all_ready && report.workers_size() > 0 ? 0 : 2;
}

std::string status_text(const StatusReport& report, int64_t now_ms, const Style& style) {
    std::string out = "Hardshell " + report.version() + ", process " +
                      std::to_string(report.pid()) + ", running for " +
                      duration(now_ms - report.started_ms()) + "\n";
    out += table(facts(report), style) + "\n";
    std::vector<std::vector<Cell>> rows = {
        {{"WORKER"}, {"STATE"}, {"PID"}, {"UPTIME"}, {"RESTARTS"}, {"MEMORY"}, {"LAST END"}}};
    for (Cell& cell : rows[0]) cell.colour = Colour::faint;
    for (const WorkerStatus& worker : report.workers()) rows.push_back(worker_row(worker, now_ms));
    out += table(rows, style);
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

std::string status_json(const StatusReport& report, int64_t now_ms) {
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
                {"bind", report.bind()},
                {"degraded", report.degraded()},
                {"workers", Json::array()},
                {"missing", Json::array()},
                {"notices", Json::array()}};
    for (const auto& worker : report.workers())
        out["workers"].push_back(worker_json(worker, now_ms));
    for (const auto& missing : report.missing()) out["missing"].push_back(missing);
    for (const auto& notice : report.notices())
        out["notices"].push_back({{"severity", notice.severity()}, {"text", notice.text()}});
    return print_json(out) + "\n";
}

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
    print(json ? status_json(*report, wall_ms()) : status_text(*report, wall_ms(), context.style));
    return status_exit_code(*report);
}

}  // namespace cli
