#include "workers/agent/methods.h"
#include "workers/agent/session_patch.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr int64_t lines_kept_default = 400;
constexpr std::chrono::milliseconds longest_wait_for_runs{15'000};

Result<std::string> label_owner(SessionStore& store, const SessionKey& self,
                                const std::string& label) {
    std::string owner;
    const Done done = store.visit(self.agent, [&](const Session& other) {
        if (other.key != self && text_member(other.entry, "label") == label) owner = other.key.key;
        return owner.empty();
    });
    if (!done) return done.error();
    return owner;
}

}  // namespace

void Methods::answer_entry(const Session& session, const Reply& reply) const {
    reply(answer_with({{"ok", true},
                       {"path", services_.store.location(session.key.agent)},
                       {"key", session.key.key},
                       {"entry", session.entry}}));
}

void Methods::sessions_patch(const Json& params, const Reply& reply) {
    const Result<SessionKey> key = known_session(text_member(params, "key"));
    if (!key) return reply(answer_for(key.error()));
    Result<std::optional<Session>> found = services_.store.find(*key);
    if (!found) return reply(answer_for(found.error()));
    Session session = *found ? std::move(**found) : Session{*key, Json::object()};
    const int64_t now = services_.now_ms();
    if (!is_session_id(session.id())) {
        session.entry = fresh_entry(session.entry, now);
        session.entry["sessionFile"] = services_.store.transcript_location(session);
    }
    const PatchContext context{
        [this](const std::string& text) { return services_.models.choose(text); },
        model_of(key->agent),
        [&](const std::string& label) { return label_owner(services_.store, *key, label); }};
    Result<Json> entry = patched_entry(session, params, context);
    if (!entry) return reply(answer_for(entry.error()));
    session.entry = std::move(*entry);
    session.entry["updatedAt"] = std::max(session.updated_at(), now);
    if (const Done done = services_.store.save(session); !done)
        return reply(answer_for(done.error()));
    answer_entry(session, reply);
}

// A run under way goes on in the conversation it began in; the ones that wait begin the new one.
void Methods::sessions_reset(const Json& params, const Reply& reply) {
    const Result<SessionKey> key = known_session(text_member(params, "key"));
    if (!key) return reply(answer_for(key.error()));
    const Result<std::optional<Session>> found = services_.store.find(*key);
    if (!found) return reply(answer_for(found.error()));
    Session session{*key, *found ? (*found)->entry : Json::object()};
    session.entry = fresh_entry(session.entry, services_.now_ms());
    session.entry["sessionFile"] = services_.store.transcript_location(session);
    for (const char* name : {"inputTokens", "outputTokens", "totalTokens"}) session.entry[name] = 0;
    if (const Done done = services_.store.save(session); !done)
        return reply(answer_for(done.error()));
    if (services_.tools) services_.tools->end_session(key->key);
    reply(answer_with({{"ok", true}, {"key", key->key}, {"entry", session.entry}}));
}

void Methods::sessions_delete(const Json& params, const Reply& reply) {
    const Result<SessionKey> key = stored_session(text_member(params, "key"));
    if (!key) return reply(answer_for(key.error()));
    const bool configured = services_.config.agent(key->agent) != nullptr;
    if (configured && key->key == main_key(key->agent, services_.config.keys()))
        return reply(refused("the main session (" + key->key +
                             ") cannot be deleted; reset it to start it anew"));
    const bool with_transcript = bool_member(params, "deleteTranscript", true);
    services_.runs.abort_session(*key, "rpc");
    services_.runs.when_idle(
        *key, longest_wait_for_runs, [this, key = *key, with_transcript, reply](bool idle) {
            if (!idle)
                return reply(unavailable("session " + key.key +
                                         " is still answering; try again in a moment"));
            delete_idle(key, with_transcript, reply);
        });
}

void Methods::delete_idle(const SessionKey& key, bool with_transcript, const Reply& reply) {
    const Result<std::optional<Session>> session = services_.store.find(key);
    if (!session) return reply(answer_for(session.error()));
    Json archived = Json::array();
    if (services_.tools) services_.tools->end_session(key.key);
    if (*session) {
        if (const Done done = services_.store.remove(key); !done)
            return reply(answer_for(done.error()));
        if (with_transcript && is_session_id((*session)->id())) {
            const Result<std::vector<std::string>> aside = services_.store.archive(**session);
            if (aside)
                archived = *aside;
            else
                log_warn("the transcript of the deleted session {} stays where it is: {}", key.key,
                         aside.error().what);
        }
    }
    reply(answer_with({{"ok", true},
                       {"key", key.key},
                       {"deleted", session->has_value()},
                       {"archived", archived}}));
}

void Methods::sessions_compact(const Json& params, const Reply& reply) {
    const Result<SessionKey> key = stored_session(text_member(params, "key"));
    if (!key) return reply(answer_for(key.error()));
    const Result<std::optional<Session>> found = services_.store.find(*key);
    if (!found) return reply(answer_for(found.error()));
    Json payload{{"ok", true}, {"key", key->key}, {"compacted", false}};
    const auto without = [&](const char* reason) {
        payload["reason"] = reason;
        reply(answer_with(payload));
    };
    if (!*found || !is_session_id((*found)->id())) return without("there is no such session");
    // Its message must still be there when the answer comes.
    if (services_.runs.is_busy(*key))
        return reply(unavailable("session " + key->key + " is answering; try again afterwards"));
    const Result<SessionStore::Compaction> kept = services_.store.keep_last(
        **found, static_cast<size_t>(int_member(params, "maxLines", lines_kept_default)));
    if (!kept) return reply(answer_for(kept.error()));
    if (!kept->has_transcript) return without("the session has no transcript");
    payload["kept"] = kept->kept;
    if (kept->archived.empty()) return reply(answer_with(payload));
    Session session = **found;
    // What the conversation takes of the context is not known before its next answer.
    for (const char* name : {"inputTokens", "outputTokens", "totalTokens"})
        session.entry.erase(name);
    session.entry["updatedAt"] = services_.now_ms();
    if (const Done done = services_.store.save(session); !done)
        return reply(answer_for(done.error()));
    payload["compacted"] = true;
    payload["archived"] = kept->archived;
    reply(answer_with(payload));
}

void Methods::chat_inject(const Json& params, const Reply& reply) {
    const std::string spelling = text_member(params, "sessionKey");
    const Result<SessionKey> key = known_session(spelling);
    if (!key) return reply(answer_for(key.error()));
    const Result<std::optional<Session>> session = services_.store.find(*key);
    if (!session) return reply(answer_for(session.error()));
    if (!*session || !is_session_id((*session)->id()))
        return reply(refused("there is no session " + key->key));
    if (!services_.store.has_transcript(**session))
        return reply(refused("session " + key->key + " has no transcript yet"));
    const std::string label(trimmed(text_member(params, "label")));
    const std::string text = text_member(params, "message");
    const Json message =
        injected_message(label.empty() ? text : "[" + label + "]\n\n" + text, services_.now_ms());
    const std::string id = new_entry_id();
    if (const Done done =
            services_.store.append(**session, id, message, SessionStore::Durability::now);
        !done)
        return reply(answer_for(done.error()));
    reply(answer_with({{"ok", true}, {"messageId", id}}));
    const std::string run_id = "inject-" + id;
    const Json payload{{"runId", run_id},
                       {"sessionKey", spelling},
                       {"seq", 0},
                       {"state", "final"},
                       {"message", message}};
    services_.events.emit({"chat", payload, run_id, spelling, 0});
    services_.events.run_ended(run_id);
}

}  // namespace agent
