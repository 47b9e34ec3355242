// The tool cron. An agent's jobs are its own: others' it lists, changes and runs as far as it may
// reach their agents, for a job does what it says as the agent that has it.

#include <algorithm>

#include "workers/agent/agent_access.h"
#include "workers/agent/cron/job.h"
#include "workers/agent/own_tools.h"

namespace agent {

namespace {

struct CronAction {
    std::string_view action;
    const char* method;
    const char* whole;  // the argument that is all of the parameters; null: those below
    std::span<const ToolArgument> arguments;
    bool of_a_job;  // that there is, by jobId
};
constexpr ToolArgument list_arguments_of_cron[] = {{"includeDisabled", "includeDisabled"}};
constexpr ToolArgument id_argument[] = {{"jobId", "jobId"}};
constexpr ToolArgument update_arguments[] = {{"jobId", "jobId"}, {"patch", "patch"}};
constexpr ToolArgument wake_arguments[] = {{"text", "text"}, {"mode", "mode"}};
constexpr CronAction cron_actions[] = {
    // action, method, whole, arguments, of_a_job
    {"status", "cron.status", nullptr, {}, false},
    {"list", "cron.list", nullptr, list_arguments_of_cron, false},
    {"add", "cron.add", "job", {}, false},
    {"update", "cron.update", nullptr, update_arguments, true},
    {"remove", "cron.remove", nullptr, id_argument, true},
    {"run", "cron.run", nullptr, id_argument, true},
    {"runs", "cron.runs", nullptr, id_argument, true},
    {"wake", "wake", nullptr, wake_arguments, false},
};

Json picked(const Json& arguments, std::span<const ToolArgument> wanted) {
    Json params = Json::object();
    for (const ToolArgument& row : wanted)
        if (const Json& value = member(arguments, row.name); !value.is_null())
            params[row.parameter] = value;
    return params;
}

// The methods take a job without an agent for the default agent's.
bool names_no_agent(const Json& job) {
    const Json& agent = member(job, "agentId");
    return agent.is_null() ||
           (agent.is_string() && trimmed(agent.get_ref<const std::string&>()).empty());
}

}  // namespace

std::string OwnTools::cron_refusal(const Json& job, const ToolCaller& caller) const {
    const AgentConfig& config = methods_->config();
    return reach_refusal(config.json(), caller.agent, agent_of(job, config));
}

void OwnTools::cron(const ToolOrder& order, const Ended& ended) {
    const std::string action = text_member(order.arguments, "action");
    const auto row = std::find_if(std::begin(cron_actions), std::end(cron_actions),
                                  [&](const CronAction& known) { return known.action == action; });
    if (row == std::end(cron_actions))
        return ended(tool_error("cron: there is no action " + action));
    Json params =
        row->whole ? member(order.arguments, row->whole) : picked(order.arguments, row->arguments);
    if (!params.is_object())
        return ended(tool_error("cron " + action + ": " + row->whole + " is missing"));
    if (action == "list") return list_jobs(params, order, ended);
    if (action == "wake" && !params.contains("mode")) params["mode"] = "now";
    if ((action == "add" || action == "wake") && names_no_agent(params)) {
        params.erase("agentId");
        if (order.caller.agent != methods_->config().default_agent())
            params["agentId"] = order.caller.agent;
    }
    // To whom a job is given: a patch without an agent leaves it where it is.
    const Json& given = action == "update" ? member(params, "patch") : params;
    if (action == "add" || action == "wake" || (given.is_object() && given.contains("agentId")))
        if (const std::string refusal = cron_refusal(given, order.caller); !refusal.empty())
            return ended(tool_error("cron " + action + ": " + refusal));
    if (!row->of_a_job) return call(row->method, params, ended);
    with_own_job(order, ended,
                 [this, method = row->method, params, ended] { call(method, params, ended); });
}

// Unless the job is one of an agent that the caller may not reach. Of one that there is not the
// method says so.
void OwnTools::with_own_job(const ToolOrder& order, const Ended& ended,
                            std::function<void()> then) {
    const auto check = [this, alive = alive_, caller = order.caller, ended, then = std::move(then),
                        action = text_member(order.arguments, "action"),
                        id = text_member(order.arguments, "jobId")](const ToolOutcome& listed) {
        if (!*alive || !methods_) return ended(tool_error("the agent is not serving any more"));
        if (listed.is_error) return ended(listed);
        for (const Json& job : member(listed.details, "jobs"))
            if (text_view(job, "id") == id)
                if (const std::string refusal = cron_refusal(job, caller); !refusal.empty())
                    return ended(tool_error("cron " + action + ": " + refusal));
        then();
    };
    call("cron.list", {{"includeDisabled", true}}, check);
}

void OwnTools::list_jobs(const Json& params, const ToolOrder& order, const Ended& ended) {
    if (methods_->config().agents().size() < 2) return call("cron.list", params, ended);
    call("cron.list", params,
         [this, alive = alive_, caller = order.caller, ended](ToolOutcome outcome) {
             if (!*alive || !methods_)
                 return ended(tool_error("the agent is not serving any more"));
             if (!outcome.is_error) {
                 Json payload = std::move(outcome.details);
                 Json shown = Json::array();
                 for (Json& job : payload["jobs"])
                     if (cron_refusal(job, caller).empty()) shown.push_back(std::move(job));
                 payload["jobs"] = std::move(shown);
                 outcome = tool_text(print_json(payload));
                 outcome.details = std::move(payload);
             }
             ended(std::move(outcome));
         });
}

}  // namespace agent
