#include "workers/agent/channels/run_answer.h"

#include "workers/agent/transcript.h"

namespace agent {

Result<std::string> answer_of_run(SessionStore& store, const RunRecord& run) {
    const Json& payloads = member_at(run.payload, "result.payloads");
    if (payloads.is_array()) return payloads.empty() ? "" : text_member(payloads[0], "text");
    const Result<Json> message = answer_message(store, run);
    if (!message) return message.error();
    return message->is_null() ? std::string() : message_text(*message);
}

Result<Json> answer_message(SessionStore& store, const RunRecord& run) {
    // Where it was answered: the session may have begun another conversation since. A heartbeat may
    // have begun the first one.
    if (is_session_id(run.session_id)) {
        const Session then{run.session, Json{{"sessionId", run.session_id}}};
        Result<Json> message = store.find_message(then, run.answer_id);
        if (!message) return message.error();
        if (!message->is_null()) return message;
    }
    const Result<std::optional<Session>> now = store.find(run.session);
    if (!now) return now.error();
    if (!*now) return Json();
    return store.find_message(**now, run.answer_id);
}

}  // namespace agent
