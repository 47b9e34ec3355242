#include <algorithm>
#include <utility>

#include "workers/agent/attachments.h"
#include "workers/agent/channels/channels.h"
#include "workers/agent/channels/promised_answers.h"
#include "workers/agent/front_desk.h"
#include "workers/agent/methods.h"
#include "workers/agent/run_messages.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr size_t history_default = 200;
constexpr size_t history_bytes = 6'291'456;
constexpr int64_t wait_default_ms = 30'000;
constexpr int64_t longest_timeout_ms = 24 * 3600 * 1000;
constexpr size_t most_client_tools = 128;
constexpr size_t longest_tool_name = 64;

// Channels that a request may name; delivering to one needs its worker.
constexpr std::string_view channel_ids[] = {
    "last",     "webchat", "whatsapp", "telegram",   "discord",     "slack", "signal",
    "imessage", "msteams", "matrix",   "googlechat", "bluebubbles", "zalo",  "voice-call"};

Result<Json> user_message(std::vector<Json> images, const std::string& text, int64_t now_ms) {
    if (trimmed(text).empty() && images.empty())
        return Error{Fault::bad_message, "message or attachment required"};
    Json content = Json::array();
    if (!text.empty()) content.push_back(Json{{"type", "text"}, {"text", text}});
    for (Json& image : images) content.push_back(std::move(image));
    return Json{{"role", "user"}, {"content", content}, {"timestamp", now_ms}};
}

std::chrono::milliseconds timeout_of(int64_t milliseconds) {
    return std::chrono::milliseconds(std::clamp<int64_t>(milliseconds, 0, longest_timeout_ms));
}

Answer final_answer(const RunRecord& run) {
    Answer answer;
    answer.payload_json = print_json(run.payload);
    if (run.status != "error") return answer;
    answer.ok = false;
    answer.error_code = "UNAVAILABLE";
    answer.error_message = run.summary;
    return answer;
}

Json accepted_payload(const std::string& run_id, int64_t accepted_ms) {
    return Json{{"runId", run_id}, {"status", "accepted"}, {"acceptedAt", accepted_ms}};
}

// As all providers take it.
bool is_tool_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_tool_name &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
           });
}

// Null where there are none.
Result<Json> read_client_tools(const Json& given) {
    if (!given.is_array() || given.empty()) return Json();
    const auto unfit = [](const std::string& where, const std::string& what) {
        return Error{Fault::bad_message, "clientTools" + where + ": " + what};
    };
    if (given.size() > most_client_tools)
        return unfit("", "must be " + std::to_string(most_client_tools) + " at most");
    Json tools = Json::array();
    for (size_t i = 0; i < given.size(); ++i) {
        const std::string where = "[" + std::to_string(i) + "]";
        const std::string name = text_member(given[i], "name");
        const Json& parameters = member(given[i], "parameters");
        if (!is_tool_name(name))
            return unfit(where + ".name", "must have 1 to 64 letters of a-z, A-Z, 0-9, _ and -");
        if (std::any_of(tools.begin(), tools.end(),
                        [&](const Json& one) { return text_view(one, "name") == name; }))
            return unfit(where + ".name", "there is another function of that name");
        if (!parameters.is_object())
            return unfit(where + ".parameters", "must be a JSON Schema, an object");
        tools.push_back(Json{{"name", name},
                             {"description", text_member(given[i], "description")},
                             {"parameters", parameters}});
    }
    return tools;
}

Json wait_payload(const RunRecord& run) {
    Json payload{{"runId", run.run_id}, {"status", run.status == "ok" ? "ok" : "error"}};
    if (run.started_ms != 0) payload["startedAt"] = run.started_ms;
    payload["endedAt"] = run.ended_ms;
    if (run.status != "ok") payload["error"] = run.summary;
    return payload;
}

}  // namespace

void Methods::chat_send(const Json& params, const Reply& reply) {
    const std::string spelling = text_member(params, "sessionKey");
    const std::string text = text_member(params, "message");
    const Result<SessionKey> key = known_session(spelling);
    if (!key) return reply(answer_for(key.error()));
    if (!is_stop_word(text) && answer_duplicate(text_member(params, "idempotencyKey"), reply))
        return;
    Said said;
    said.text = text;
    said.may_command = true;  // the gateway has asked who it is
    said.may_approve = rights_.approves;
    said.may_administer = rights_.administers;
    said.has_files = member(params, "attachments").is_array() && !params["attachments"].empty();
    said.compose = [&](const std::string& rest) -> Result<Json> {
        Result<Attached> attached = read_attachments(member(params, "attachments"));
        if (!attached) return attached.error();
        // Messages of a chat go together, and documents have no place in the transcript.
        if (!attached->documents.empty())
            log_warn("a chat takes images only: {} PDF left out", attached->documents.size());
        return user_message(std::move(attached->images), rest, services_.now_ms());
    };
    RunRecord& record = said.order.record;
    record.method = "chat";
    record.run_id = text_member(params, "idempotencyKey");
    record.session = *key;
    record.spelling = spelling;
    record.thinking = text.starts_with("/") ? "" : text_member(params, "thinking");
    record.timeout_ms = timeout_of(int_member(params, "timeoutMs")).count();
    // A command that takes time is told as started, and its answer comes as an event.
    const auto is_told = std::make_shared<bool>(false);
    const RunRecord asked = record;
    services_.desk.take(std::move(said), [this, asked, is_told, reply](const Result<Taken>& taken) {
        const bool was_told = std::exchange(*is_told, true);
        chat_taken(asked, taken, was_told ? nullptr : reply);
    });
    if (!std::exchange(*is_told, true))
        reply(answer_with({{"runId", asked.run_id}, {"status", "started"}}));
}

void Methods::chat_taken(const RunRecord& asked, const Result<Taken>& taken, const Reply& reply) {
    if (!taken)
        return reply ? reply(answer_for(taken.error()))
                     : answer_command(asked, "⚠️ " + taken.error().what, reply);
    switch (taken->as) {
        case Taken::As::turn:
            return reply(answer_with({{"runId", asked.run_id}, {"status", "started"}}));
        case Taken::As::stopped:
            return reply(answer_with(
                {{"ok", true}, {"aborted", !taken->stopped.empty()}, {"runIds", taken->stopped}}));
        case Taken::As::denied:
            return reply(refused("send blocked by session policy"));
        case Taken::As::dropped:
            return reply(
                unavailable("too many messages wait in this session; send it again when "
                            "some are answered"));
        case Taken::As::ignored:
            return reply(refused("commands may not be given here"));
        case Taken::As::answered:
            return answer_command(asked, taken->reply, reply);
    }
}

bool Methods::answer_duplicate(const std::string& run_id, const Reply& reply) {
    const Result<std::optional<RunRecord>> known = services_.runs.known("chat", run_id);
    if (!known) return reply(answer_for(known.error())), true;
    if (!*known) return false;
    const RunRecord& run = **known;
    if (!run.has_ended()) {
        reply(answer_with({{"runId", run_id}, {"status", "in_flight"}}));
    } else if (run.status == "error") {
        Answer answer = unavailable(run.summary);
        answer.payload_json =
            print_json(Json{{"runId", run_id}, {"status", "error"}, {"summary", run.summary}});
        reply(answer);
    } else {
        reply(answer_with({{"runId", run_id}, {"status", "ok"}}));
    }
    return true;
}

// The answer of a command, also while the session is busy: into the transcript, and to the clients.
void Methods::answer_command(const RunRecord& asked, const std::string& text, const Reply& reply) {
    const int64_t now = services_.now_ms();
    RunRecord record = asked;
    record.accepted_ms = record.started_ms = record.ended_ms = now;
    record.status = "ok";
    const Json message = injected_message(text, now);
    const Done done = inject(record.session, record, message);
    if (!done && reply) return reply(answer_for(done.error()));
    if (!done) log_error("the answer of a command was not stored: {}", done.error().what);
    if (reply) reply(answer_with({{"runId", record.run_id}, {"status", "started"}}));
    const Json payload{{"runId", record.run_id},
                       {"sessionKey", record.spelling},
                       {"seq", 1},
                       {"state", "final"},
                       {"message", message}};
    services_.events.emit({"chat", payload, record.run_id, record.spelling, 1});
    services_.events.run_ended(record.run_id);
}

Done Methods::inject(const SessionKey& key, const RunRecord& record, const Json& message) {
    const Result<Runs::Opened> opened = services_.runs.open_session(key);
    if (!opened) return opened.error();
    if (opened->fresh)
        if (const Done done = services_.store.save(opened->session); !done) return done;
    const Done done = services_.store.append(opened->session, new_entry_id(), message,
                                             SessionStore::Durability::now);
    if (done) services_.runs.remember(record);
    return done;
}

void Methods::chat_history(const Json& params, const Reply& reply) {
    const std::string spelling = text_member(params, "sessionKey");
    const Result<SessionKey> key = known_session(spelling);
    if (!key) return reply(answer_for(key.error()));
    const Result<std::optional<Session>> session = services_.store.find(*key);
    if (!session) return reply(answer_for(session.error()));
    const Json entry = *session ? (*session)->entry : Json::object();
    Json frame{{"sessionKey", spelling}};
    std::string messages = "[]";
    if (*session && is_session_id((*session)->id())) {
        frame["sessionId"] = (*session)->id();
        SessionStore::HistoryPart part;
        part.limit =
            static_cast<size_t>(int_member(params, "limit", static_cast<int64_t>(history_default)));
        part.skip = static_cast<size_t>(int_member(params, "skip", 0));
        part.bytes = history_bytes;
        Result<std::string> found = services_.store.history(**session, part);
        if (!found) return reply(answer_for(found.error()));
        messages = std::move(*found);
    }
    const ModelName model = services_.models.candidates(key->agent, wanted_model(entry)).front();
    frame["thinkingLevel"] = text_member(entry, "thinkingLevel",
                                         usual_thinking(services_.config, services_.models, model));
    // The messages are text already; printing them again would cost more than reading them.
    Answer answer;
    answer.payload_json = print_json(frame);
    answer.payload_json.pop_back();
    answer.payload_json += ",\"messages\":" + messages + "}";
    reply(std::move(answer));
}

void Methods::chat_abort(const Json& params, const Reply& reply) {
    const Result<SessionKey> key = known_session(text_member(params, "sessionKey"));
    if (!key) return reply(answer_for(key.error()));
    std::vector<std::string> ids;
    const std::string run_id = text_member(params, "runId");
    if (run_id.empty()) {
        ids = services_.runs.abort_session(*key, "rpc");
    } else if (const SessionKey* owner = services_.runs.session_of(run_id)) {
        if (*owner != *key) return reply(refused("runId does not match sessionKey"));
        if (services_.runs.abort_run(run_id, "rpc")) ids.push_back(run_id);
    }
    reply(answer_with({{"ok", true}, {"aborted", !ids.empty()}, {"runIds", ids}}));
}

Result<SessionKey> Methods::session_for_agent(const Json& params) {
    const AgentConfig& config = services_.config;
    const std::string wanted = text_member(params, "agentId");
    const std::string agent = wanted.empty() ? config.default_agent() : normal_agent_id(wanted);
    if (!config.agent(agent))
        return Error{Fault::bad_message, "unknown agent id \"" + wanted +
                                             "\"; configured agents: " + config.agent_names()};
    const std::string session_id = text_member(params, "sessionId");
    const std::string spelling = text_member(params, "sessionKey");
    SessionKey key{agent, main_key(agent, config.keys())};
    if (!trimmed(spelling).empty()) {
        KeyDefaults defaults = config.keys();
        defaults.agent = agent;
        const Result<SessionKey> given = canonical_key(spelling, defaults);
        if (!given) return given;
        if (!config.agent(given->agent)) return known_session(spelling);
        if (!wanted.empty() && given->agent != agent)
            return Error{Fault::bad_message, "agent \"" + wanted +
                                                 "\" does not match the session key's agent \"" +
                                                 given->agent + "\""};
        return given;
    }
    if (session_id.empty()) return key;
    bool found = false;
    const Done done =
        services_.store.visit(wanted.empty() ? "" : agent, [&](const Session& session) {
            found = session.id() == session_id && config.agent(session.key.agent) != nullptr;
            if (found) key = session.key;
            return !found;
        });
    if (!done) return done.error();
    if (!found) return Error{Fault::bad_message, "no session has the id \"" + session_id + "\""};
    return key;
}

// By whom a task's session was spawned, which stays so: /stop ends it, /subagents names it.
Done Methods::note_spawner(const SessionKey& spawned, const Json& params) {
    const std::string spawner = text_member(params, "spawnedBy");
    if (spawner.empty() || spawned.key.find(":subagent:") == std::string::npos) return {};
    const Result<std::optional<Session>> found = services_.store.find(spawned);
    if (!found) return found.error();
    if (*found && !text_view((*found)->entry, "spawnedBy").empty()) return {};
    Json members{{"spawnedBy", spawner}};
    if (const std::string label = text_member(params, "label"); !label.empty())
        members["label"] = label;
    if (const std::string person = text_member(params, "spawnedFor"); !person.empty())
        members["spawnedFor"] = person;
    const Result<Session> changed = services_.desk.change_session(spawned, members);
    return changed ? Done() : changed.error();
}

// Whoever goes on from an earlier answer has not told what was said before.
Done Methods::must_exist(const SessionKey& key) {
    const Result<std::optional<Session>> session = services_.store.find(key);
    if (!session) return session.error();
    if (*session && is_session_id((*session)->id())) return {};
    return Error{Fault::bad_message,
                 "the conversation to go on from is not kept any more; send the whole of it"};
}

// Refused before the turn begins: nobody wants an answer that goes nowhere.
Result<DeliveryWish> Methods::delivery_wish(const Json& params, const SessionKey& session) const {
    if (!services_.channels)
        return Error{Fault::unreachable, "the answer cannot be delivered: no channel is running"};
    const auto first = [&](const char* one, const char* other) {
        const std::string text = text_member(params, one);
        return text.empty() ? text_member(params, other) : text;
    };
    DeliveryWish wish;
    wish.channel = first("replyChannel", "channel");
    wish.to = first("replyTo", "to");
    wish.account = first("replyAccountId", "accountId");
    wish.thread = text_member(params, "threadId");
    wish.session = session;
    return services_.channels->resolve(std::move(wish));
}

void Methods::agent(const Json& params, const Reply& reply) {
    for (const char* name : {"channel", "replyChannel"}) {
        const std::string channel = lower_case(trimmed(text_member(params, name)));
        if (!channel.empty() && std::find(std::begin(channel_ids), std::end(channel_ids),
                                          channel) == std::end(channel_ids))
            return reply(refused("invalid agent params: unknown channel: " + channel));
    }
    const std::string run_id = text_member(params, "idempotencyKey");
    const Result<std::optional<RunRecord>> known = services_.runs.known("agent", run_id);
    if (!known) return reply(answer_for(known.error()));
    if (*known)
        return reply((*known)->has_ended()
                         ? final_answer(**known)
                         : answer_with(accepted_payload(run_id, (*known)->accepted_ms)));
    const Result<SessionKey> key = session_for_agent(params);
    if (!key) return reply(answer_for(key.error()));
    if (bool_member(params, "continues"))
        if (const Done done = must_exist(*key); !done) return reply(answer_for(done.error()));
    std::optional<DeliveryWish> wish;
    if (bool_member(params, "deliver")) {
        const Result<DeliveryWish> resolved = delivery_wish(params, *key);
        if (!resolved) return reply(answer_for(resolved.error()));
        wish = *resolved;
    }
    Result<Attached> attached = read_attachments(member(params, "attachments"));
    if (!attached) return reply(answer_for(attached.error()));
    Result<Json> message = user_message(std::move(attached->images), text_member(params, "message"),
                                        services_.now_ms());
    if (!message) return reply(answer_for(message.error()));
    Result<Json> client_tools = read_client_tools(member(params, "clientTools"));
    if (!client_tools) return reply(answer_for(client_tools.error()));
    RunOrder order;
    order.record.method = "agent";
    order.record.run_id = run_id;
    order.record.session = *key;
    order.record.spelling = text_member(params, "sessionKey", key->key);
    order.record.message = std::move(*message);
    order.record.thinking = text_member(params, "thinking");
    order.record.timeout_ms = timeout_of(int_member(params, "timeout") * 1000).count();
    order.record.extra_system = text_member(params, "extraSystemPrompt");
    order.record.client_tools = std::move(*client_tools);
    order.record.continues = bool_member(params, "continues");
    if (!attached->documents.empty()) order.record.documents = std::move(attached->documents);
    if (wish) order.notes.push_back(PromisedAnswers::note(run_id, *wish));
    order.on_ended = [reply](const RunRecord& run) { reply(final_answer(run)); };
    if (const Done done = note_spawner(*key, params); !done) return reply(answer_for(done.error()));
    const Result<Runs::Accepted> run = services_.runs.accept(std::move(order));
    if (!run) return reply(answer_for(run.error()));
    Answer accepted = answer_with(accepted_payload(run->run_id, run->accepted_ms));
    accepted.more = true;
    reply(std::move(accepted));
}

void Methods::agent_wait(const Json& params, const Reply& reply) {
    const std::string run_id = text_member(params, "runId");
    services_.runs.wait(
        run_id, timeout_of(int_member(params, "timeoutMs", wait_default_ms)),
        [reply, run_id](const RunRecord* run) {
            reply(answer_with(run ? wait_payload(*run)
                                  : Json{{"runId", run_id}, {"status", "timeout"}}));
        });
}

}  // namespace agent
