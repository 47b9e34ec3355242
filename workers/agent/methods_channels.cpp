// Messages to people on channels, and how the channels are.

#include <algorithm>

#include "workers/agent/channels/channels.h"
#include "workers/agent/methods.h"
#include "workers/agent/run_messages.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr int64_t least_probe_ms = 1'000;
constexpr int64_t usual_probe_ms = 10'000;
constexpr int64_t longest_probe_ms = 60'000;

// Platforms name their chats differently in answers.
const char* chat_member(const std::string& channel) {
    return channel == "discord" ? "channelId" : "chatId";
}

Answer sent_answer(const std::string& run_id, const DeliveryOutcome& outcome) {
    if (!outcome.is_sent()) {
        const std::string why = outcome.reason.empty() ? "" : ": " + outcome.reason;
        return unavailable(outcome.state == "unknown"
                               ? "it is not known whether the message arrived" + why
                               : "the message was not delivered (" + outcome.state + ")" + why);
    }
    Json payload{
        {"runId", run_id}, {"messageId", outcome.platform_id}, {"channel", outcome.channel}};
    payload[chat_member(outcome.channel)] = outcome.chat_id;
    return answer_with(payload);
}

void decide(PairingDesk& desk, PairingDesk::Decision decision, const Json& params,
            const Reply& reply) {
    const std::string channel = text_member(params, "channel");
    desk.decide(decision, channel, text_member(params, "code"),
                [channel, reply](const Result<Json>& request) {
                    if (!request) return reply(answer_for(request.error()));
                    reply(answer_with(
                        {{"ok", true}, {"channel", channel}, {"id", text_member(*request, "id")}}));
                });
}

// What was sent by hand, as the session's conversation has it.
Json mirrored(const std::string& text, int64_t now_ms) {
    Json message = chat_message(text, now_ms);
    message["api"] = "openai-responses";
    message["provider"] = "openclaw";
    message["model"] = "delivery-mirror";
    message["usage"] = no_usage();
    message["stopReason"] = "stop";
    return message;
}

}  // namespace

void Methods::send(const Json& params, const Reply& reply) {
    if (!services_.channels) return reply(unavailable("no channel is running"));
    const Json& files = member(params, "mediaUrls");
    if (!text_view(params, "mediaUrl").empty() || (files.is_array() && !files.empty()))
        return reply(unavailable("files cannot be sent this way yet; send their address as text"));
    DeliveryWish wish;
    wish.channel = text_member(params, "channel");
    wish.to = text_member(params, "to");
    wish.account = text_member(params, "accountId");
    const std::string spelling = text_member(params, "sessionKey");
    if (!trimmed(spelling).empty()) {
        const Result<SessionKey> key = known_session(spelling);
        if (!key) return reply(answer_for(key.error()));
        wish.session = *key;
    }
    const Result<DeliveryWish> resolved = services_.channels->resolve(std::move(wish));
    if (!resolved) return reply(answer_for(resolved.error()));
    const std::string run_id = text_member(params, "idempotencyKey");
    const std::string text = text_member(params, "message");
    const std::string origin = "send:" + run_id;
    const Result<bool> is_repeated = services_.channels->is_known(origin);
    if (!is_repeated) return reply(answer_for(is_repeated.error()));
    const Done done = services_.channels->deliver(
        *resolved, text, origin,
        [reply, run_id](const DeliveryOutcome& outcome) { reply(sent_answer(run_id, outcome)); });
    if (!done) return reply(answer_for(done.error()));
    if (!*is_repeated && !resolved->session.key.empty()) mirror(resolved->session, text);
}

void Methods::mirror(const SessionKey& key, const std::string& text) {
    const Result<std::optional<Session>> session = services_.store.find(key);
    if (!session || !*session || !is_session_id((*session)->id())) return;
    const Done done =
        services_.store.append(**session, new_entry_id(), mirrored(text, services_.now_ms()),
                               SessionStore::Durability::soon);
    if (!done) log_warn("a message that was sent is not in {}: {}", key.key, done.error().what);
}

void Methods::channels_report(const Json& params, const Reply& reply) {
    if (!services_.channels) return reply(answer_with(Json::object()));
    const auto answer = [this, reply] { reply(answer_with(services_.channels->report())); };
    if (!bool_member(params, "probe")) return answer();
    const int64_t timeout = std::clamp(int_member(params, "timeoutMs", usual_probe_ms),
                                       least_probe_ms, longest_probe_ms);
    services_.channels->probe(std::chrono::milliseconds(timeout), answer);
}

void Methods::channel_logout(const Json& params, const Reply& reply) {
    if (!services_.channels) return reply(unavailable("no channel is running"));
    const Done done = services_.channels->log_out(
        {text_member(params, "channel"), text_member(params, "accountId", "default")});
    reply(done ? answer_with({{"ok", true}}) : answer_for(done.error()));
}

void Methods::pairing_list(const Json&, const Reply& reply) {
    if (!services_.channels) return reply(answer_with({{"channels", Json::array()}}));
    const Result<Json> pending = services_.channels->pairing().pending();
    reply(pending ? answer_with({{"channels", *pending}}) : answer_for(pending.error()));
}

void Methods::pairing_approve(const Json& params, const Reply& reply) {
    if (!services_.channels) return reply(unavailable("no channel is running"));
    decide(services_.channels->pairing(), PairingDesk::Decision::approve, params, reply);
}

void Methods::pairing_reject(const Json& params, const Reply& reply) {
    if (!services_.channels) return reply(unavailable("no channel is running"));
    decide(services_.channels->pairing(), PairingDesk::Decision::reject, params, reply);
}

// For the gateway: on its way when answered.
void Methods::deliver(const Json& params, const Reply& reply) {
    if (!services_.channels) return reply(unavailable("no channel is running"));
    DeliveryWish wish;
    wish.channel = text_member(params, "channel", "last");
    wish.to = text_member(params, "to");
    wish.session = main_session();
    const ChannelReply said = channel_reply(text_member(params, "message"));
    if (said.says_nothing()) return reply(answer_with({{"ok", true}}));
    const Result<DeliveryWish> resolved = services_.channels->resolve(std::move(wish));
    if (!resolved) return reply(answer_for(resolved.error()));
    const Done done =
        services_.channels->deliver(*resolved, said.text, text_member(params, "origin"), nullptr);
    reply(done ? answer_with({{"ok", true}}) : answer_for(done.error()));
}

}  // namespace agent
