#include "workers/cli/commands/doctor.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <sstream>

#include "workers/cli/commands/findings_machine.h"
#include "workers/cli/control_client.h"
#include "workers/cli/gateway_client.h"
#include "workers/cli/plan_query.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/json.h"

namespace cli {

namespace {

constexpr std::chrono::seconds answer_patience{5};
constexpr int64_t connecting_ms = 30'000;  // so long after its start an account may need

struct WeightRow {
    Weight weight;
    const char* mark;
    Colour colour;
};
constexpr WeightRow weights[] = {
    {Weight::good, "ok      ", Colour::good},
    {Weight::note, "note    ", Colour::warn},
    {Weight::problem, "PROBLEM ", Colour::bad},
};

const WeightRow& row_of(Weight weight) {
    return *std::find_if(std::begin(weights), std::end(weights),
                         [&](const WeightRow& row) { return row.weight == weight; });
}

bool is_served(const Result<hardshell::proto::StatusReport>& status) {
    using hardshell::proto::WorkerStatus;
    return status && status->port() > 0 &&
           std::any_of(
               status->workers().begin(), status->workers().end(), [](const WorkerStatus& worker) {
                   return worker.name() == "gateway" && worker.state() == WorkerStatus::READY;
               });
}

// Whether a client with the known credential is served: the whole way from the port to the agent,
// and what the channels say.
Findings judge_answer(const Context& context, const Sources& sources) {
    Result<Target> target = choose_target(context, sources);
    const bool is_elsewhere = sources.plan() && sources.plan()->has_remote();
    // Without a running gateway its credential is nobody's problem yet.
    if (!target && !sources.status && !is_elsewhere) return {};
    // Said already, with the reason.
    if (sources.status && !is_elsewhere && !is_served(sources.status)) return {};
    if (!target) return {{Weight::problem, "client", target.error().what, ""}};
    // For each step: a slow one is not the next one's fault.
    const auto soon = [] { return std::chrono::steady_clock::now() + answer_patience; };
    Result<std::unique_ptr<GatewayClient>> client = GatewayClient::connect(*target, soon());
    if (!client) {
        // Nothing listens where nothing was started: said once, by the check before.
        if (target->remote)
            return {{Weight::problem, "client", client.error().what,
                     "check gateway.remote in " + context.config_path +
                         "; for a gateway on this machine set gateway.mode to \"local\""}};
        if (!target->running && client.error().fault == Fault::unreachable) return {};
        return {{Weight::problem, "client", client.error().what,
                 cure_of_refusal(client.error(), *target)}};
    }
    const std::string look =
        target->remote ? "see the logs of that gateway" : "see `hardshell logs`";
    const Result<Json> health = (*client)->call({"health", Json::object(), false, {}}, soon());
    if (!health) return {{Weight::problem, "client", health.error().what, look}};
    Findings found = {
        {Weight::good, "client", target->url + " answers, the credential is right", ""}};
    const Result<Json> channels =
        (*client)->call({"channels.status", Json::object(), false, {}}, soon());
    append_new(found, channels
                          ? judge_channels(*channels, target->remote)
                          : Findings{{Weight::problem, "channels", channels.error().what, look}});
    return found;
}

Finding judge_account(const std::string& channel, const Json& account, int64_t now_ms,
                      bool is_elsewhere) {
    const std::string id = text_member(account, "accountId", "?");
    const std::string subject = "channel " + channel + ", account " + id;
    if (bool_member(account, "connected")) return {Weight::good, subject, "connected", ""};
    const std::string why = text_member(account, "lastError");
    const int64_t started_ms = int_member(account, "lastStartAt");
    if (why.empty() && started_ms > 0 && now_ms - started_ms < connecting_ms)
        return {Weight::note, subject, "connecting", ""};
    const std::string worker = id == "default" ? channel : channel + ":" + id;
    const std::string logs = is_elsewhere ? "" : "`hardshell logs " + worker + "` and ";
    return {Weight::problem, subject, "not connected" + (why.empty() ? "" : ": " + why),
            "nothing comes in until it is: see " + logs + "ops/runbooks/" + channel +
                "-does-not-answer.md"};
}

// Of the gateway that runs: port and bind mode of its command line, which this shell does not know.
std::vector<std::string> options_in_force(const Result<hardshell::proto::StatusReport>& status) {
    if (!status || status->port() == 0 || status->bind().empty()) return {};
    return {"--port", std::to_string(status->port()), "--bind", status->bind()};
}

std::string text_of_file(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

FlyEvidence fly_evidence(const Context& context,
                         const Result<hardshell::proto::StatusReport>& status) {
    const int64_t stood_still =
        status ? stood_still_ms(text_of_file("/proc/" + std::to_string(status->pid()) + "/stat"),
                                status->started_ms(), {monotonic_ms(), boottime_ms(), wall_ms()})
               : 0;
    return {context.environment, context.state_dir, text_of_file("/proc/self/mountinfo"),
            context.arguments.has("fly"), stood_still};
}

// Where a health check of this machine would ask.
Place check_place(const hardshell::proto::StatusReport& status,
                  const Result<hardshell::proto::Plan>& plan) {
    std::string host = plan ? local_host(*plan) : "127.0.0.1";
    if (host.starts_with("[")) host = host.substr(1, host.size() - 2);
    return {"check path", host, std::to_string(status.port())};
}

}  // namespace

std::string cure_of_refusal(const Error& why, const Target& target) {
    if (!target.running)
        return "another program listens on port " + std::to_string(target.port) +
               "; use another --port";
    if (why.fault == Fault::bad_config) return "";  // the text says what to do
    if (why.fault == Fault::bad_credentials)
        return "correct " + target.credential_source +
               " here, or start the gateway again so that it takes that one";
    return "see `hardshell logs gateway`";
}

std::string findings_text(const Findings& findings, const Style& style) {
    std::string out;
    for (const Finding& finding : findings) {
        const WeightRow& row = row_of(finding.weight);
        out += style.paint(row.colour, row.mark) + finding.subject + ": " +
               printable(finding.what) + "\n";
        if (!finding.cure.empty()) out += "        -> " + printable(finding.cure) + "\n";
    }
    const auto problems =
        std::count_if(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.weight == Weight::problem; });
    if (problems == 0) return out + "\nNo problems found.\n";
    return out + "\n" + std::to_string(problems) +
           (problems == 1 ? " problem found.\n" : " problems found.\n");
}

std::string findings_json(const Findings& findings) {
    Json out = {{"ok", findings_exit_code(findings) == 0}, {"findings", Json::array()}};
    for (const Finding& finding : findings)
        out["findings"].push_back({{"weight", doctor::name_of(finding.weight)},
                                   {"subject", finding.subject},
                                   {"what", finding.what},
                                   {"cure", finding.cure}});
    return print_json(out) + "\n";
}

Findings judge_channels(const Json& report, bool is_elsewhere) {
    Findings found;
    const Json& channels = member(report, "channelAccounts");
    if (!channels.is_object()) return found;
    for (const auto& [channel, accounts] : channels.items())
        for (const Json& account : accounts) {
            // Of others their worker tells why.
            if (!bool_member(account, "running") || !account.contains("connected")) continue;
            found.push_back(
                judge_account(channel, account, int_member(report, "ts"), is_elsewhere));
        }
    return found;
}

int findings_exit_code(const Findings& findings) {
    return std::any_of(findings.begin(), findings.end(),
                       [](const Finding& finding) { return finding.weight == Weight::problem; })
               ? 1
               : 0;
}

int run_doctor(const Context& context) {
    const Result<hardshell::proto::StatusReport> status = ask_status(context);
    const Result<hardshell::proto::Plan> plan = ask_planner(context, options_in_force(status));
    const std::string temporary =
        context.environment("TMPDIR").empty() ? "/tmp" : context.environment("TMPDIR");
    const auto plan_of = [&]() -> const auto& {
        return plan;
    };
    Findings all;
    append_new(all, judge_programs(context.libexec_dir));
    append_new(all, judge_state_dir(context.state_dir));
    append_new(all, judge_permissions(context.state_dir, context.config_path));
    append_new(all, judge_plan(plan, context.config_path, status.has_value()));
    if (plan) append_new(all, judge_idle_secrets(*plan, context.environment));
    append_new(all, judge_authorities(context.environment));
    append_new(all, judge_status(status));
    if (status) {
        append_new(all, judge_machine(*status));
        append_new(all, judge_memory(*status, machine_memory()));
    }
    append_new(all, judge_answer(context, {status, plan_of}));
    if (is_served(status)) {
        const Place place = check_place(*status, plan);
        append_new(all, judge_check_path(place, ask_check_path(place)));
    }
    append_new(all, judge_locks(context.state_dir, temporary));
    append_new(all, judge_fly(fly_evidence(context, status), plan));
    append_new(all, judge_clock(context.state_dir, std::time(nullptr)));
    if (plan) append_new(all, judge_places(places_of(*plan), context.environment, reach));
    print(context.arguments.has("json") ? findings_json(all) : findings_text(all, context.style));
    return findings_exit_code(all);
}

}  // namespace cli
