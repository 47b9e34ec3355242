// The methods around nodes and around commands that wait for approval: what the front desk has to
// do with them.

#include <algorithm>
#include <iterator>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/gateway/device_identity.h"
#include "workers/gateway/front_desk.h"
#include "workers/gateway/log_text.h"

namespace gateway {

namespace {

// What a node may say in `node.event`; everything else is passed over, as OpenClaw does.
struct NodeEvent {
    std::string_view name;
    // The member that holds what a person said to the assistant; empty: nothing for the assistant.
    const char* text;
};
constexpr NodeEvent node_events[] = {
    // Broadcasts reach every node already.
    {"chat.subscribe", nullptr},  {"chat.unsubscribe", nullptr}, {"voice.transcript", "text"},
    {"agent.request", "message"}, {"exec.started", nullptr},     {"exec.finished", nullptr},
    {"exec.denied", nullptr},
};

const NodeEvent* find_node_event(std::string_view name) {
    for (const NodeEvent& event : node_events)
        if (event.name == name) return &event;
    return nullptr;
}

Json payload_of(const Json& params) {
    const Json& text = member(params, "payloadJSON");
    if (text.is_string())
        if (Result<Json> parsed = parse_json(text.get_ref<const std::string&>())) return *parsed;
    return member(params, "payload");
}

std::string name_of_client(const Admission& who) {
    return who.params.display_name.empty() ? who.params.client_id : who.params.display_name;
}

}  // namespace

std::vector<Json> FrontDesk::paired_nodes() const {
    std::vector<Json> records = parts_.pairing.devices_of_role("node");
    for (Json& node : parts_.nodes.nodes()) records.push_back(std::move(node));
    return records;
}

void FrontDesk::node_list(const Json&, const Reply& reply) {
    reply.ok(print_json({{"ts", wall_ms()}, {"nodes", node_registry_.list(paired_nodes())}}));
}

void FrontDesk::node_describe(const Json& params, const Reply& reply) {
    Json node = node_registry_.describe(text_member(params, "nodeId"), paired_nodes());
    if (node.is_null()) return reply.failed(invalid_request("unknown nodeId"));
    Json described = {{"ts", wall_ms()}};
    described.update(node);
    reply.ok(print_json(described));
}

void FrontDesk::node_invoke(const Json& params, const Reply& reply) {
    node_registry_.invoke(params, [reply](const NodeRegistry::Outcome& outcome) {
        if (const Failure* failure = std::get_if<Failure>(&outcome)) return reply.failed(*failure);
        reply.ok(print_json(std::get<Json>(outcome)));
    });
}

void FrontDesk::node_invoke_result(const Json& params, const Reply& reply) {
    const Client* client = parts_.hub.find(reply.client_id);
    if (!client) return;
    const NodeRegistry::Outcome outcome = node_registry_.take_result(*client, params);
    if (const Failure* failure = std::get_if<Failure>(&outcome)) return reply.failed(*failure);
    reply.ok(print_json(std::get<Json>(outcome)));
}

void FrontDesk::node_event(const Json& params, const Reply& reply) {
    const Client* client = parts_.hub.find(reply.client_id);
    if (!client) return;
    const std::string name = text_member(params, "event");
    const NodeEvent* event = find_node_event(name);
    const Json payload = payload_of(params);
    if (event && event->text)
        say_for_node(*client, text_member(payload, event->text), payload);
    else if (name.compare(0, 5, "exec.") == 0)
        log_info("[node] {} says {} {}", log_safe(name_of_client(client->admission())),
                 log_safe(name), log_safe(text_member(payload, "command")));
    reply.ok(R"({"ok":true})");
}

// As if the person had written it: a turn of the session, whose events all clients see.
void FrontDesk::say_for_node(const Client& client, const std::string& text, const Json& payload) {
    if (text.empty()) return;
    Json params = {
        {"message", text},
        {"sessionKey", text_member(payload, "sessionKey", parts_.settings.main_session_key())},
        {"deliver", false},
        {"idempotencyKey", random_uuid()}};
    if (const std::string thinking = text_member(payload, "thinking"); !thinking.empty())
        params["thinking"] = thinking;
    AgentGate::Question question;
    question.method = "agent";
    question.params_json = print_json(params);
    question.caller.set_connection_id(client.connection_id());
    question.caller.set_client_id(client.admission().params.client_id);
    question.caller.set_client_mode(client.admission().params.client_mode);
    question.caller.set_display_name(client.admission().params.display_name);
    question.caller.add_scopes("operator.write");
    parts_.agent.ask(std::move(question), [](const AgentGate::RpcResult& result) {
        if (!result.ok() && !result.more())
            log_warn("[node] the agent did not take what a node said: {}",
                     log_safe(result.error_message(), 200));
    });
}

// A node keeps approvals of its own.
void FrontDesk::exec_approvals_of_node(const Json& params, const Reply& reply) {
    const bool sets = reply.method == "exec.approvals.node.set";
    Json asked = Json::object();
    for (const char* key : {"file", "baseHash"})
        if (params.contains(key)) asked[key] = params[key];
    node_registry_.invoke(
        {{"nodeId", member(params, "nodeId")},
         {"command", sets ? "system.execApprovals.set" : "system.execApprovals.get"},
         {"params", std::move(asked)},
         {"idempotencyKey", random_uuid()}},
        [reply](const NodeRegistry::Outcome& outcome) {
            if (const Failure* failure = std::get_if<Failure>(&outcome))
                return reply.failed(*failure);
            reply.ok(print_json(member(std::get<Json>(outcome), "payload")));
        },
        NodeRegistry::Policy::not_asked);
}

void FrontDesk::exec_approval_request(const Json& params, const Reply& reply) {
    const auto refused = exec_approvals_.request(
        params, wall_ms(), [reply](const Json& outcome) { reply.ok(print_json(outcome)); });
    if (refused) reply.failed(*refused);
}

// A command of the agent itself. Whoever may decide sees the request as any other.
void FrontDesk::agent_wants_approval(uint64_t id, const std::string& params_json) {
    const uint64_t life = parts_.agent.agent_life();
    const auto decide = [this, life, id](const std::string& decision) {
        parts_.agent.decide_approval(life, id, decision);
    };
    const Result<Json> params = parse_json(params_json);
    if (!params || !params->is_object()) return decide({});
    const auto answered = [this, decide, request = *params](const Json& outcome) {
        const std::string decision = text_member(outcome, "decision");
        decide(decision);
        if (decision == "allow-always") remember_always(request);
    };
    const auto refused = exec_approvals_.request(*params, wall_ms(), answered);
    if (refused) decide({});
}

// Into the owner's file, so that it still counts after a restart. Whoever runs commands remembers
// it until the file has come back from there. Of a command that needs a shell nothing is
// remembered.
void FrontDesk::remember_always(const Json& request) {
    const std::string program = text_member(request, "resolvedPath");
    if (program.empty()) return;
    const Json params{{"agentId", text_member(request, "agentId", "main")},
                      {"program", program},
                      {"command", text_member(request, "command")}};
    parts_.config.ask("exec.approvals.allow", print_json(params),
                      [program](const ConfigGate::ConfigAnswer& answer) {
                          if (!answer.error_code().empty())
                              log_warn("[approvals] {} is allowed only until the next restart: {}",
                                       log_safe(program, 200),
                                       log_safe(answer.error_message(), 200));
                      });
}

void FrontDesk::exec_approval_resolve(const Json& params, const Reply& reply) {
    const Client* client = parts_.hub.find(reply.client_id);
    if (!client) return;
    const auto refused =
        exec_approvals_.resolve(text_member(params, "id"), text_member(params, "decision"),
                                name_of_client(client->admission()), wall_ms());
    if (refused) return reply.failed(*refused);
    reply.ok(R"({"ok":true})");
}

}  // namespace gateway
