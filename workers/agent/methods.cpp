#include "workers/agent/methods.h"

#include "workers/common/log.h"

namespace agent {

void Methods::call(const std::string& name, std::string_view params_json, const Reply& reply,
                   const CallerRights& rights) {
    rights_ = rights;
    for (const Row& row : table()) {
        if (name != row.name) continue;
        Result<Json> params =
            params_json.empty() ? Result<Json>(Json::object()) : parse_json(params_json);
        if (!params) return reply(refused("invalid " + name + " params: " + params.error().what));
        if (params->is_null()) *params = Json::object();
        const std::string faults = check_params(row.name, *params, row.fields);
        if (!faults.empty()) return reply(refused(faults));
        try {
            if (row.keep.count() == 0) return (this->*row.handler)(*params, reply);
            return (this->*row.handler)(*params, [&](Answer answer) {
                answer.keep = row.keep;
                reply(std::move(answer));
            });
        } catch (const Json::exception& failure) {
            // A value of an unexpected kind in stored state must not end the process.
            log_error("{} met a stored value of an unexpected kind", name);
            log_debug("{}: {}", name, failure.what());
            return reply(unavailable(name + " met a stored value of an unexpected kind"));
        }
    }
    reply(refused("unknown method: " + name));
}

Answer answer_with(const Json& payload) {
    return answer_with_text(print_json(payload));
}

Answer answer_with_text(std::string payload_json) {
    Answer answer;
    answer.payload_json = std::move(payload_json);
    return answer;
}

Answer refused(std::string message) {
    return {false, "", "INVALID_REQUEST", std::move(message)};
}

Answer unavailable(std::string message) {
    return {false, "", "UNAVAILABLE", std::move(message)};
}

Answer answer_for(const Error& error) {
    return error.fault == Fault::bad_message ? refused(error.what) : unavailable(error.what);
}

Result<SessionKey> Methods::stored_session(const std::string& spelling) const {
    return canonical_key(spelling, services_.config.keys());
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
