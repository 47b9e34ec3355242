// The methods that OpenClaw does not know: the processes, how the whole stands, what a change of
// the configuration would do.

#include "proto/control.pb.h"
#include "workers/common/base/clock.h"
#include "workers/common/doctor/running.h"
#include "workers/gateway/front_desk.h"

namespace gateway {

namespace {

using hardshell::proto::StatusReport;

Failure unknown_worker(const std::string& name) {
    return invalid_request("there is no worker called " + name + "; see hardshell.workers");
}

doctor::Findings findings_of(const StatusReport& report) {
    doctor::Findings all;
    doctor::append_new(all, doctor::judge_status(report));
    doctor::append_new(all, doctor::judge_machine(report));
    doctor::append_new(all, doctor::judge_memory(report, doctor::machine_memory()));
    for (const auto& notice : report.notices())
        if (notice.severity() != "info")
            doctor::append_new(all,
                               {{doctor::Weight::problem, "configuration", notice.text(), ""}});
    return all;
}

Json doctor_report(const StatusReport& report, int64_t now_ms) {
    Json findings = Json::array();
    bool ok = true;
    for (const doctor::Finding& finding : findings_of(report)) {
        ok = ok && finding.weight != doctor::Weight::problem;
        findings.push_back({{"weight", doctor::name_of(finding.weight)},
                            {"subject", finding.subject},
                            {"what", finding.what},
                            {"cure", finding.cure}});
    }
    return {{"ok", ok},
            {"findings", std::move(findings)},
            {"version", report.version()},
            {"pid", report.pid()},
            {"uptimeMs", now_ms - report.started_ms()},
            {"stateDir", report.state_dir()},
            {"configPath", report.config_path()},
            {"planSource", report.plan_source()},
            {"memoryMode", report.memory_mode()}};
}

}  // namespace

void FrontDesk::workers(const Json& params, const Reply& reply) {
    reply.ok(print_json(
        parts_.worker_board.list(bool_member(params, "history"), wall_ms(), monotonic_ms())));
}

void FrontDesk::worker_history(const Json& params, const Reply& reply) {
    const std::string name = text_member(params, "worker");
    const std::optional<Json> history = parts_.worker_board.history(name);
    if (!history) return reply.failed(unknown_worker(name));
    reply.ok(print_json(*history));
}

// "hardshell.worker.restart" asks for "restart".
void FrontDesk::worker_verb(const Json& params, const Reply& reply) {
    const std::string name = text_member(params, "worker");
    const WorkerState* worker = find_worker(parts_.workers(), name);
    if (!worker) return reply.failed(unknown_worker(name));
    const std::string verb = reply.method.substr(reply.method.rfind('.') + 1);
    if (verb == "stop" && worker->kind() == "gateway")
        return reply.failed(
            invalid_request("the gateway's clients cannot stop it, as none of them could start it "
                            "again; use `hardshell stop gateway` where it runs"));
    parts_.supervisor.ask(verb, name, [reply](const auto& answer) {
        if (answer) return reply.ok(R"({"ok":true})");
        reply.failed(answer.error().fault == Fault::bad_message
                         ? invalid_request(answer.error().what)
                         : unavailable(answer.error().what, true));
    });
}

void FrontDesk::doctor_findings(const Json&, const Reply& reply) {
    parts_.supervisor.ask("status", "", [reply](const auto& answer) {
        if (!answer) return reply.failed(unavailable(answer.error().what, true));
        StatusReport report;
        if (!report.ParseFromString(answer->report()))
            return reply.failed(unavailable("the supervisor's report cannot be read", false));
        reply.ok(print_json(doctor_report(report, wall_ms())));
    });
}

}  // namespace gateway
