// The methods that the gateway answers itself.

#include <algorithm>
#include <iterator>

#include "workers/common/base/clock.h"
#include "workers/gateway/front_desk.h"
#include "workers/gateway/methods_table.h"
#include "workers/gateway/shape.h"

namespace gateway {

namespace {

constexpr Field request_id_fields[] = {{"requestId", Kind::filled_text, true}};
constexpr Shape request_id_shape{request_id_fields};

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

constexpr std::chrono::milliseconds status_deadline{5000};

Failure pairing_failure(const Error& error) {
    return error.fault == Fault::bad_message ? invalid_request(error.what)
                                             : unavailable(error.what, true);
}

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
    {"device.pair.list", &FrontDesk::device_pair_list, &no_members},
    {"device.pair.approve", &FrontDesk::device_pair_approve, &request_id_shape},
    {"device.pair.reject", &FrontDesk::device_pair_reject, &request_id_shape},
};

void FrontDesk::serve(const RequestFrame& request, const Reply& reply) {
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
    AgentGate::Question question;
    question.method = "internal.status";
    question.params_json = "{}";
    question.deadline = status_deadline;
    question.waits_for_life = false;
    parts_.agent.ask(std::move(question), [this, reply](const AgentGate::RpcResult& result) {
        Json agent_part;
        if (result.ok())
            if (Result<Json> parsed = parse_json(result.payload_json())) agent_part = *parsed;
        reply.ok(print_json(status_report(agent_part, parts_.workers(), parts_.settings)));
    });
}

void FrontDesk::system_presence(const Json&, const Reply& reply) {
    reply.ok(print_json(parts_.hub.presence(wall_ms())));
}

void FrontDesk::system_event(const Json& params, const Reply& reply) {
    const std::string text = text_member(params, "text");
    if (text.find_first_not_of(" \t\r\n") == std::string::npos)
        return reply.failed(invalid_request(
            "invalid system-event params: at /text: must be a text that is not empty"));
    const Client* client = parts_.hub.find(reply.client_id);
    if (!client) return;
    std::string key = client->connection_id();
    for (const char* name : {"host", "instanceId", "deviceId"})
        if (const std::string value = text_member(params, name); !value.empty()) key = value;
    Json facts = Json::object();
    for (const std::string_view name : event_facts)
        if (const Json& value = member(params, name); !value.is_null()) facts[name] = value;
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

void FrontDesk::node_list(const Json&, const Reply& reply) {
    reply.ok(print_json({{"ts", wall_ms()}, {"nodes", Json::array()}}));
}

void FrontDesk::device_pair_list(const Json&, const Reply& reply) {
    reply.ok(print_json(parts_.pairing.list(wall_ms())));
}

void FrontDesk::device_pair_approve(const Json& params, const Reply& reply) {
    const Client* client = parts_.hub.find(reply.client_id);
    if (!client) return;
    const std::string id = text_member(params, "requestId");
    // Nobody may grant what he does not hold.
    if (!has_scope(client->admission().scopes, "operator.admin") &&
        !parts_.pairing.grants_at_most(id, client->admission().scopes))
        return reply.failed(invalid_request("missing scope: operator.admin"));
    const Result<Json> approved = parts_.pairing.approve(id, wall_ms());
    if (!approved) return reply.failed(pairing_failure(approved.error()));
    reply.ok(print_json(*approved));
}

void FrontDesk::device_pair_reject(const Json& params, const Reply& reply) {
    const Result<Json> rejected =
        parts_.pairing.reject(text_member(params, "requestId"), wall_ms());
    if (!rejected) return reply.failed(pairing_failure(rejected.error()));
    reply.ok(print_json(*rejected));
}

}  // namespace gateway
