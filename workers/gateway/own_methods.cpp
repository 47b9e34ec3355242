// The methods that the gateway answers itself.

#include <algorithm>
#include <iterator>

#include "workers/common/base/clock.h"
#include "workers/gateway/config_methods.h"
#include "workers/gateway/front_desk.h"
#include "workers/gateway/methods_table.h"
#include "workers/gateway/shape.h"

namespace gateway {

namespace {

constexpr Field node_id_fields[] = {{"nodeId", Kind::filled_text, true}};
constexpr Shape node_id_shape{node_id_fields};

constexpr Field invoke_fields[] = {
    {"nodeId", Kind::filled_text, true},
    {"command", Kind::filled_text, true},
    {"params", Kind::any},
    {"timeoutMs", Kind::integer, false, nullptr, {}, 0},
    {"idempotencyKey", Kind::filled_text, true},
};
constexpr Shape invoke_shape{invoke_fields};

constexpr Field invoke_result_fields[] = {
    {"id", Kind::filled_text, true},     {"nodeId", Kind::filled_text, true},
    {"ok", Kind::boolean, true},         {"payload", Kind::any},
    {"payloadJSON", Kind::text_or_null}, {"error", Kind::any},
};
constexpr Shape invoke_result_shape{invoke_result_fields};

constexpr Field node_event_fields[] = {
    {"event", Kind::filled_text, true},
    {"payload", Kind::any},
    {"payloadJSON", Kind::text_or_null},
};
constexpr Shape node_event_shape{node_event_fields};

constexpr Field approval_request_fields[] = {
    {"id", Kind::filled_text},          {"command", Kind::filled_text, true},
    {"cwd", Kind::text_or_null},        {"host", Kind::text_or_null},
    {"security", Kind::text_or_null},   {"ask", Kind::text_or_null},
    {"agentId", Kind::text_or_null},    {"resolvedPath", Kind::text_or_null},
    {"sessionKey", Kind::text_or_null}, {"timeoutMs", Kind::integer, false, nullptr, {}, 1},
};
constexpr Shape approval_request_shape{approval_request_fields};

constexpr Field approval_resolve_fields[] = {{"id", Kind::filled_text, true},
                                             {"decision", Kind::filled_text, true}};
constexpr Shape approval_resolve_shape{approval_resolve_fields};

constexpr Field node_approvals_set_fields[] = {
    {"nodeId", Kind::filled_text, true},
    {"file", Kind::any, true},
    {"baseHash", Kind::filled_text},
};
constexpr Shape node_approvals_set_shape{node_approvals_set_fields};

constexpr Field tail_fields[] = {
    {"cursor", Kind::integer, false, nullptr, {}, 0},
    {"limit", Kind::integer, false, nullptr, {}, 1},
    {"maxBytes", Kind::integer, false, nullptr, {}, 1},
};
constexpr Shape tail_shape{tail_fields};

constexpr Field worker_tail_fields[] = {
    {"worker", Kind::filled_text, true},
    {"cursor", Kind::integer, false, nullptr, {}, 0},
    {"limit", Kind::integer, false, nullptr, {}, 1},
    {"maxBytes", Kind::integer, false, nullptr, {}, 1},
};
constexpr Shape worker_tail_shape{worker_tail_fields};

constexpr Field channels_status_fields[] = {
    {"probe", Kind::boolean},
    {"timeoutMs", Kind::integer, false, nullptr, {}, 0},
};
constexpr Shape channels_status_shape{channels_status_fields};

constexpr Field channels_logout_fields[] = {{"channel", Kind::filled_text, true},
                                            {"accountId", Kind::text}};
constexpr Shape channels_logout_shape{channels_logout_fields};

constexpr Field send_fields[] = {
    {"to", Kind::filled_text, true},
    {"message", Kind::filled_text, true},
    {"mediaUrl", Kind::text},
    {"mediaUrls", Kind::text_list},
    {"gifPlayback", Kind::boolean},
    {"channel", Kind::text},
    {"accountId", Kind::text},
    {"sessionKey", Kind::text},
    {"idempotencyKey", Kind::filled_text, true},
};
constexpr Shape send_shape{send_fields};

constexpr Field voicewake_set_fields[] = {{"triggers", Kind::text_list, true}};
constexpr Shape voicewake_set_shape{voicewake_set_fields};

constexpr Field talk_mode_fields[] = {{"enabled", Kind::boolean, true}, {"phase", Kind::text}};
constexpr Shape talk_mode_shape{talk_mode_fields};

constexpr Field workers_fields[] = {{"history", Kind::boolean}};
constexpr Shape workers_shape{workers_fields};
constexpr Field worker_fields[] = {{"worker", Kind::filled_text, true}};
constexpr Shape worker_shape{worker_fields};

// What a system event may say about whoever it comes from.
constexpr std::string_view event_facts[] = {"deviceId",
                                            "instanceId",
                                            "host",
                                            "ip",
                                            "mode",
                                            "version",
                                            "platform",
                                            "deviceFamily",
                                            "modelIdentifier",
                                            "lastInputSeconds",
                                            "reason",
                                            "roles",
                                            "scopes",
                                            "tags"};
// These tell how things are, not that something happened.
constexpr std::string_view node_report = "Node:";
constexpr size_t longest_fact = 512;  // bytes; all clients are told
constexpr size_t longest_event_text = 4096;

bool is_fact(const Json& value) {
    if (value.is_number()) return true;
    if (value.is_array())
        return value.size() <= 32 && std::all_of(value.begin(), value.end(), [](const Json& item) {
                   return item.is_string() && is_fact(item);
               });
    return value.is_string() && value.get_ref<const std::string&>().size() <= longest_fact;
}

constexpr std::chrono::milliseconds status_deadline{5000};
// The supervisor waits longer for the gateway.
constexpr std::chrono::milliseconds owner_deadline{2000};

}  // namespace

struct FrontDesk::OwnRow {
    std::string_view method;
    OwnMethod serve;
    // Null: whatever comes is accepted.
    const Shape* params;
};

const FrontDesk::OwnRow FrontDesk::own_methods[] = {
    // method, function, parameters
    {"health", &FrontDesk::health, nullptr},
    {"status", &FrontDesk::status, nullptr},
    {"system-presence", &FrontDesk::system_presence, nullptr},
    {"system-event", &FrontDesk::system_event, nullptr},
    {"node.list", &FrontDesk::node_list, &no_members},
    {"node.describe", &FrontDesk::node_describe, &node_id_shape},
    {"node.invoke", &FrontDesk::node_invoke, &invoke_shape},
    {"node.invoke.result", &FrontDesk::node_invoke_result, &invoke_result_shape},
    {"node.event", &FrontDesk::node_event, &node_event_shape},
    {"exec.approval.request", &FrontDesk::exec_approval_request, &approval_request_shape},
    {"exec.approval.resolve", &FrontDesk::exec_approval_resolve, &approval_resolve_shape},
    {"config.get", &FrontDesk::configuration, config_params("config.get")},
    {"config.set", &FrontDesk::configuration, config_params("config.set")},
    {"config.apply", &FrontDesk::configuration, config_params("config.apply")},
    {"config.patch", &FrontDesk::configuration, config_params("config.patch")},
    {"config.schema", &FrontDesk::configuration, config_params("config.schema")},
    {"exec.approvals.get", &FrontDesk::configuration, config_params("exec.approvals.get")},
    {"exec.approvals.set", &FrontDesk::configuration, config_params("exec.approvals.set")},
    {"exec.approvals.node.get", &FrontDesk::exec_approvals_of_node, &node_id_shape},
    {"exec.approvals.node.set", &FrontDesk::exec_approvals_of_node, &node_approvals_set_shape},
    {"skills.update", &FrontDesk::configuration, config_params("skills.update")},
    {"logs.tail", &FrontDesk::logs_tail, &tail_shape},
    {"channels.status", &FrontDesk::channels_status, &channels_status_shape},
    {"channels.logout", &FrontDesk::channels_logout, &channels_logout_shape},
    {"send", &FrontDesk::send_message, &send_shape},
    {"voicewake.get", &FrontDesk::voicewake_get, &no_members},
    {"voicewake.set", &FrontDesk::voicewake_set, &voicewake_set_shape},
    {"talk.mode", &FrontDesk::talk_mode, &talk_mode_shape},
    {"hardshell.workers", &FrontDesk::workers, &workers_shape},
    {"hardshell.logs", &FrontDesk::logs_tail, &worker_tail_shape},
    {"hardshell.worker.history", &FrontDesk::worker_history, &worker_shape},
    {"hardshell.worker.restart", &FrontDesk::worker_verb, &worker_shape},
    {"hardshell.worker.start", &FrontDesk::worker_verb, &worker_shape},
    {"hardshell.worker.stop", &FrontDesk::worker_verb, &worker_shape},
    {"hardshell.doctor", &FrontDesk::doctor_findings, &no_members},
    {"hardshell.config.check", &FrontDesk::configuration, config_params("hardshell.config.check")},
};

void FrontDesk::serve(const RequestFrame& request, const Reply& reply) {
    if (PairingMethods::serves(request.method)) return serve_pairing(request, reply);
    const auto row =
        std::find_if(std::begin(own_methods), std::end(own_methods),
                     [&](const OwnRow& candidate) { return candidate.method == request.method; });
    if (row == std::end(own_methods)) std::abort();  // the methods table promises it
    if (row->params) {
        const std::string faults = faults_of(request.params, *row->params);
        if (!faults.empty())
            return reply.failed(
                invalid_request("invalid " + request.method + " params: " + faults));
    }
    (this->*row->serve)(request.params, reply);
}

void FrontDesk::health(const Json& params, const Reply& reply) {
    parts_.health.get(bool_member(params, "probe"),
                      [reply](const std::string& report) { reply.ok(report); });
}

void FrontDesk::status(const Json&, const Reply& reply) {
    ask_status(status_deadline, [reply](const std::string& text) { reply.ok(text); });
}

void FrontDesk::ask_status(std::chrono::milliseconds deadline,
                           const std::function<void(const std::string& text)>& tell) {
    AgentGate::Question question;
    question.method = "internal.status";
    question.params_json = "{}";
    question.deadline = deadline;
    question.waits_for_life = false;
    if (const auto* known = parts_.kept.find(question.method, question.params_json, monotonic_ms()))
        return tell(status_with(known->result));
    parts_.kept.ask(std::move(question), [this, tell](const AgentGate::RpcResult& result) {
        tell(status_with(result));
    });
}

const std::string& FrontDesk::status_with(const AgentGate::RpcResult& part) {
    if (part.id() == 0 || part.id() != status_.part_id || status_.text.empty()) {
        Json agent_part;
        if (part.ok())
            if (Result<Json> parsed = parse_json(part.payload_json())) agent_part = *parsed;
        status_.text = print_json(status_report(agent_part, parts_.workers(), parts_.settings));
        status_.part_id = part.id();
    }
    return status_.text;
}

void FrontDesk::system_presence(const Json&, const Reply& reply) {
    reply.ok(parts_.hub.presence(wall_ms()));
}

void FrontDesk::system_event(const Json& params, const Reply& reply) {
    const std::string text = text_member(params, "text");
    if (text.find_first_not_of(" \t\r\n") == std::string::npos)
        return reply.failed(invalid_request(
            "invalid system-event params: at /text: must be a text that is not empty"));
    if (text.size() > longest_event_text)
        return reply.failed(invalid_request(
            "invalid system-event params: at /text: must NOT have more than 4096 characters"));
    const Client* client = parts_.hub.find(reply.client_id);
    if (!client) return;
    Json facts = Json::object();
    for (const std::string_view name : event_facts)
        if (const Json& value = member(params, name); is_fact(value)) facts[name] = value;
    std::string key = client->connection_id();
    for (const char* name : {"host", "instanceId", "deviceId"})
        if (const std::string value = text_member(facts, name); !value.empty()) key = value;
    facts["text"] = text;
    const bool changed = parts_.hub.reported(key, facts, wall_ms());
    if (text.starts_with(node_report) && !changed) return reply.ok(R"({"ok":true})");
    AgentGate::Question question;
    question.method = "internal.system-event";
    question.params_json = print_json({{"text", text}});
    question.deadline = status_deadline;
    parts_.agent.ask(std::move(question), [reply](const AgentGate::RpcResult& result) {
        if (result.ok()) return reply.ok(R"({"ok":true})");
        reply.failed(unavailable(result.error_message(), true));
    });
}

void FrontDesk::serve_pairing(const RequestFrame& request, const Reply& reply) {
    const Client* client = parts_.hub.find(reply.client_id);
    if (!client) return;
    asking_client_ = client->id();
    const auto outcome = pairing_methods_.call(
        request.method, request.params, {client->admission().scopes, client->admission().device_id},
        wall_ms());
    asking_client_ = 0;
    if (const Failure* failure = std::get_if<Failure>(&outcome)) return reply.failed(*failure);
    reply.ok(print_json(std::get<Json>(outcome)));
}

void FrontDesk::take_from_owner(const std::string& method, const Json& params,
                                const OwnerAnswer& answer) {
    if (method == "status")
        return ask_status(owner_deadline, [answer](const std::string& text) {
            Result<Json> report = parse_json(text);
            answer(report ? std::move(*report) : Json::object());
        });
    if (!PairingMethods::serves(method))
        return answer(invalid_request(method + " is not served over the control socket"));
    answer(pairing_methods_.call(method, params, owner_at_the_machine(), wall_ms()));
}

// After the answer, which may be for one of them. A rotation concerns those that came in with the
// token; who asked for it has been told the new one.
void FrontDesk::end_sessions(const std::string& device_id, const std::string& role,
                             PairingMethods::End how) {
    const bool revoked = how == PairingMethods::End::revoked;
    std::vector<uint64_t> leaving;
    parts_.hub.for_each([&](Client& client) {
        const Admission& who = client.admission();
        if (who.device_id != device_id || who.role != role) return;
        if (!revoked && (who.by != Credential::device_token || client.id() == asking_client_))
            return;
        leaving.push_back(client.id());
    });
    if (leaving.empty()) return;
    parts_.loop.soon([this, leaving, revoked] {
        for (const uint64_t id : leaving)
            if (Client* client = parts_.hub.find(id))
                client->close(close_policy,
                              revoked ? "device token revoked" : "device token rotated");
    });
}

void FrontDesk::configuration(const Json& params, const Reply& reply) {
    parts_.config.ask(reply.method, print_json(params),
                      [reply](const ConfigGate::ConfigAnswer& answer) {
                          if (answer.error_code().empty()) return reply.ok(answer.payload_json());
                          reply.failed(failure_of(answer));
                      });
}

}  // namespace gateway
