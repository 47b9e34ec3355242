#include "workers/agent/methods.h"

namespace agent {

namespace {

using Kind = Field::Kind;

constexpr int64_t any = std::numeric_limits<int64_t>::min();
// An idempotency key is repeated in every event of its run.
constexpr int64_t longest_run_id = 512;

// name, kind, required, least, most
constexpr Field chat_send_fields[] = {
    {"sessionKey", Kind::text, true, 1},
    {"message", Kind::text, true},
    {"idempotencyKey", Kind::text, true, 1, longest_run_id},
    {"thinking", Kind::text},
    {"deliver", Kind::boolean},
    {"attachments", Kind::array},
    {"timeoutMs", Kind::integer, false, 0},
};
constexpr Field chat_history_fields[] = {
    {"sessionKey", Kind::text, true, 1},
    {"limit", Kind::integer, false, 1, 1000},
};
constexpr Field chat_abort_fields[] = {
    {"sessionKey", Kind::text, true, 1},
    {"runId", Kind::text, false, 1},
};
constexpr Field agent_fields[] = {
    {"message", Kind::text, true, 1},
    {"idempotencyKey", Kind::text, true, 1, longest_run_id},
    {"agentId", Kind::text, false, 1},
    {"to", Kind::text},
    {"replyTo", Kind::text},
    {"sessionId", Kind::text},
    {"sessionKey", Kind::text},
    {"thinking", Kind::text},
    {"deliver", Kind::boolean},
    {"attachments", Kind::array},
    {"channel", Kind::text},
    {"replyChannel", Kind::text},
    {"accountId", Kind::text},
    {"replyAccountId", Kind::text},
    {"threadId", Kind::text},
    {"groupId", Kind::text},
    {"groupChannel", Kind::text},
    {"groupSpace", Kind::text},
    {"timeout", Kind::integer, false, 0},
    {"lane", Kind::text},
    {"extraSystemPrompt", Kind::text},
    {"label", Kind::text, false, 1, 64},
    {"spawnedBy", Kind::text},
};
constexpr Field agent_wait_fields[] = {
    {"runId", Kind::text, true, 1},
    {"timeoutMs", Kind::integer, false, 0},
};
constexpr Field agent_identity_fields[] = {
    {"agentId", Kind::text, false, 1},
    {"sessionKey", Kind::text},
};
constexpr Field sessions_list_fields[] = {
    {"limit", Kind::integer, false, 1},      {"activeMinutes", Kind::integer, false, 1},
    {"includeGlobal", Kind::boolean},        {"includeUnknown", Kind::boolean},
    {"includeDerivedTitles", Kind::boolean}, {"includeLastMessage", Kind::boolean},
    {"label", Kind::text, false, 1, 64},     {"spawnedBy", Kind::text, false, 1},
    {"agentId", Kind::text, false, 1},       {"search", Kind::text},
};
constexpr Field probe_fields[] = {{"probe", Kind::any, false, any}};

}  // namespace

std::span<const Methods::Row> Methods::table() {
    static constexpr Row rows[] = {
        // name, parameters, handler
        {"chat.send", chat_send_fields, &Methods::chat_send},
        {"chat.history", chat_history_fields, &Methods::chat_history},
        {"chat.abort", chat_abort_fields, &Methods::chat_abort},
        {"agent", agent_fields, &Methods::agent},
        {"agent.wait", agent_wait_fields, &Methods::agent_wait},
        {"agents.list", {}, &Methods::agents_list},
        {"agent.identity.get", agent_identity_fields, &Methods::agent_identity},
        {"sessions.list", sessions_list_fields, &Methods::sessions_list},
        {"models.list", {}, &Methods::models_list},
        // Asked by the gateway itself, never for a client.
        {"internal.health", probe_fields, &Methods::health},
        {"internal.status", {}, &Methods::status},
    };
    return rows;
}

void Methods::call(const std::string& name, std::string_view params_json, const Reply& reply) {
    for (const Row& row : table()) {
        if (name != row.name) continue;
        Result<Json> params =
            params_json.empty() ? Result<Json>(Json::object()) : parse_json(params_json);
        if (!params) return reply(refused("invalid " + name + " params: " + params.error().what));
        if (params->is_null()) *params = Json::object();
        const std::string faults = check_params(row.name, *params, row.fields);
        if (!faults.empty()) return reply(refused(faults));
        try {
            return (this->*row.handler)(*params, reply);
        } catch (const Json::exception& failure) {
            // A value of an unexpected kind in stored state must not end the process.
            return reply(unavailable(name + " failed: " + failure.what()));
        }
    }
    reply(refused("unknown method: " + name));
}

Answer answer_with(const Json& payload) {
    Answer answer;
    answer.payload_json = print_json(payload);
    return answer;
}

Answer refused(std::string message) {
    return {false, "", "INVALID_REQUEST", std::move(message), false};
}

Answer unavailable(std::string message) {
    return {false, "", "UNAVAILABLE", std::move(message), false};
}

Answer answer_for(const Error& error) {
    return error.fault == Fault::bad_message ? refused(error.what) : unavailable(error.what);
}

Result<SessionKey> Methods::known_session(const std::string& spelling) const {
    Result<SessionKey> key = canonical_key(spelling, services_.config.keys());
    if (key && !services_.config.agent(key->agent))
        return Error{Fault::bad_message,
                     "unknown agent id \"" + key->agent +
                         "\"; configured agents: " + services_.config.agent_names()};
    return key;
}

ModelName Methods::model_of(const std::string& agent_id) const {
    const std::vector<ModelName> candidates = services_.models.candidates(agent_id, "");
    return candidates.empty() ? ModelName{} : candidates.front();
}

}  // namespace agent
