#include "workers/gateway/agent_turns.h"

#include "workers/common/log.h"

namespace gateway {

namespace {

constexpr std::string_view client_name = "http";

hardshell::proto::Caller http_caller() {
    hardshell::proto::Caller caller;
    caller.set_connection_id(std::string(client_name));
    caller.set_client_id(std::string(client_name));
    caller.set_client_mode("api");
    caller.add_scopes("operator.write");
    return caller;
}

Json params_of(TurnOrder order) {
    Json params{{"message", std::move(order.message)},
                {"idempotencyKey", order.run_id},
                {"sessionKey", order.session_key},
                {"deliver", false}};
    if (order.continues) params["continues"] = true;
    if (!order.agent_id.empty()) params["agentId"] = order.agent_id;
    if (!order.extra_system.empty()) params["extraSystemPrompt"] = order.extra_system;
    if (!order.thinking.empty()) params["thinking"] = order.thinking;
    if (order.timeout_s > 0) params["timeout"] = order.timeout_s;
    if (!order.attachments.empty()) params["attachments"] = std::move(order.attachments);
    if (!order.client_tools.empty()) params["clientTools"] = std::move(order.client_tools);
    return params;
}

TurnEnd unavailable_end(std::string why) {
    TurnEnd end;
    end.how = TurnEnd::How::unavailable;
    end.why = std::move(why);
    return end;
}

std::string status_in(const AgentGate::RpcResult& result) {
    const Result<Json> payload = parse_json(result.payload_json());
    return payload ? text_member(*payload, "status") : std::string();
}

// Without a number it does not come from the agent: there was none to ask, or it died.
bool is_from_nobody(const AgentGate::RpcResult& result) {
    return !result.ok() && result.id() == 0;
}

}  // namespace

void AgentTurns::ask(const std::string& method, Json params, AgentGate::Answer answer) {
    AgentGate::Question question;
    question.method = method;
    question.params_json = print_json(params);
    params = nullptr;  // a large one is not kept twice
    question.caller = http_caller();
    agent_.ask(std::move(question), std::move(answer));
}

void AgentTurns::start(TurnOrder order, std::shared_ptr<TurnListener> listener) {
    if (turns_.size() >= most_open)
        return listener->ended(
            unavailable_end("too many requests wait for an answer; try again later"));
    const std::string run_id = order.run_id;
    turns_[run_id] = {std::move(listener), order.session_key, false, 0};
    ask("agent", params_of(std::move(order)),
        [this, run_id](const AgentGate::RpcResult& result) { take(run_id, result); });
}

void AgentTurns::take(const std::string& run_id, const AgentGate::RpcResult& result) {
    const auto found = turns_.find(run_id);
    if (found == turns_.end()) return;
    Turn& turn = found->second;
    if (result.ok() && result.more()) {
        turn.accepted = true;
        agent_.run_started(run_id, turn.session_key);
        const auto listener = turn.listener;
        return listener->accepted();
    }
    const bool lost = turn.accepted && is_from_nobody(result);
    if (lost && turn.deaths++ < most_deaths) return wait_for_next_life(run_id);
    if (result.ok() && status_in(result) == "accepted") return wait_for_next_life(run_id);
    end(run_id, read_turn_end(result, turn.accepted));
}

void AgentTurns::wait_for_next_life(const std::string& run_id) {
    log_info("the agent ended over run {}; its answer is waited for", run_id);
    ask("agent.wait", {{"runId", run_id}, {"timeoutMs", longest_recovery.count()}},
        [this, run_id](const AgentGate::RpcResult& result) {
            if (!result.ok()) return take(run_id, result);
            if (status_in(result) != "timeout") return ask_for_answer(run_id);
            TurnEnd end;
            end.why = "the agent's process ended, and its next one did not answer in time";
            this->end(run_id, end);
        });
}

// The run is known and over: the same question has its answer.
void AgentTurns::ask_for_answer(const std::string& run_id) {
    const auto found = turns_.find(run_id);
    if (found == turns_.end()) return;
    ask("agent",
        {{"message", "-"}, {"idempotencyKey", run_id}, {"sessionKey", found->second.session_key}},
        [this, run_id](const AgentGate::RpcResult& result) { take(run_id, result); });
}

void AgentTurns::saw(const hardshell::proto::ClientEvent& event) {
    if (event.event() != "agent") return;
    const auto found = turns_.find(event.run_id());
    if (found == turns_.end()) return;
    const Result<Json> payload = parse_json(event.payload_json());
    if (!payload || text_view(*payload, "stream") != "assistant") return;
    const auto listener = found->second.listener;
    listener->text_is(text_view(member(*payload, "data"), "text"));
}

void AgentTurns::end(const std::string& run_id, const TurnEnd& how) {
    const auto turn = turns_.extract(run_id);
    if (turn.empty()) return;
    turn.mapped().listener->ended(how);
}

}  // namespace gateway
