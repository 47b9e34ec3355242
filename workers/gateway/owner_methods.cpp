// The methods about what an owner looks after: the log, the channels, the voice devices.

#include <algorithm>

#include "workers/common/base/clock.h"
#include "workers/common/base/text.h"
#include "workers/gateway/channel_reports.h"
#include "workers/gateway/front_desk.h"
#include "workers/gateway/log_tail.h"

namespace gateway {

namespace {

constexpr int64_t least_probe_ms = 1'000;
constexpr int64_t usual_probe_ms = 10'000;
constexpr int64_t most_probe_ms = 60'000;
constexpr std::chrono::milliseconds probe_grace{500};
constexpr std::chrono::milliseconds logout_deadline{2'000};
constexpr std::chrono::milliseconds send_deadline{60'000};

// A channel is looked for as it is spelt in the configuration.
std::string channel_in(const Json& params) {
    return lower_case(text_view(params, "channel"));
}

}  // namespace

void FrontDesk::logs_tail(const Json& params, const Reply& reply) {
    if (const std::string faults = log_size_faults(params); !faults.empty()) {
        const std::string method = params.contains("worker") ? "hardshell.logs" : "logs.tail";
        return reply.failed(invalid_request("invalid " + method + " params: " + faults));
    }
    const auto most_bytes = static_cast<size_t>(int_member(params, "maxBytes", usual_log_bytes));
    parts_.log.ask(log_query(params), [this, reply, most_bytes](const auto& answer) {
        if (!answer) return reply.failed(unavailable(answer.error().what, true));
        reply.ok(print_json(log_reply(*answer, parts_.settings.host, most_bytes)));
    });
}

// Without a probe the accounts' last word counts: they say by themselves how they stand.
void FrontDesk::channels_status(const Json& params, const Reply& reply) {
    const auto answer = [this, reply](const Json& channels) {
        reply.ok(print_json(channels_report(channels, parts_.workers(), wall_ms())));
    };
    if (!bool_member(params, "probe")) return answer(parts_.settings.channels);
    const int64_t timeout =
        std::clamp(int_member(params, "timeoutMs", usual_probe_ms), least_probe_ms, most_probe_ms);
    AgentGate::Question question;
    question.method = "internal.channels";
    question.params_json = print_json({{"probe", true}, {"timeoutMs", timeout}});
    question.deadline = std::chrono::milliseconds(timeout) + probe_grace;
    question.waits_for_life = false;
    parts_.agent.ask(std::move(question), [this, answer](const AgentGate::RpcResult& result) {
        const Result<Json> probed =
            result.ok() ? parse_json(result.payload_json()) : Result<Json>(Json());
        answer(probed && probed->is_object() ? *probed : parts_.settings.channels);
    });
}

void FrontDesk::channels_logout(const Json& params, const Reply& reply) {
    const std::string channel = channel_in(params);
    const std::string account = text_member(params, "accountId");
    if (const auto refused = logout_refusal(parts_.settings.channels, channel, account))
        return reply.failed(*refused);
    const Json& known = member(parts_.settings.channels, channel);
    const Json whose{
        {"channel", channel},
        {"accountId", account.empty() ? text_member(known, "defaultAccount") : account}};
    // The account's process first: it ends the platform's session while it has the token.
    AgentGate::Question question;
    question.method = "internal.channel-logout";
    question.params_json = print_json(whose);
    question.deadline = logout_deadline;
    question.waits_for_life = false;
    parts_.agent.ask(std::move(question), [this, whose, reply](const AgentGate::RpcResult&) {
        configuration(whose, reply);
    });
}

void FrontDesk::send_message(const Json& params, const Reply& reply) {
    const auto refused = outbound_refusal(parts_.settings.channels, parts_.workers(),
                                          usual_or_only(params), text_member(params, "accountId"));
    if (refused) return reply.failed(*refused);
    AgentGate::Question question;
    question.method = "send";
    question.params_json = print_json(params);
    question.deadline = send_deadline;
    parts_.agent.ask(std::move(question), [reply](const AgentGate::RpcResult& result) {
        if (result.ok()) return reply.ok(result.payload_json());
        reply.failed(result.error_code() == code::invalid_request
                         ? invalid_request(result.error_message())
                         : unavailable(result.error_message(), false));
    });
}

// A channel that is not named is the only one that there is, else the usual one.
std::string FrontDesk::usual_or_only(const Json& params) const {
    const std::string named = channel_in(params);
    const Json& channels = parts_.settings.channels;
    if (!named.empty() || channels.size() != 1) return named;
    return channels.begin().key();
}

void FrontDesk::voicewake_get(const Json&, const Reply& reply) {
    reply.ok(print_json(parts_.voice_wake.get()));
}

void FrontDesk::voicewake_set(const Json& params, const Reply& reply) {
    const Result<Json> words = parts_.voice_wake.set(member(params, "triggers"), wall_ms());
    if (!words) return reply.failed(unavailable(words.error().what, false));
    parts_.hub.broadcast("voicewake.changed", print_json(*words));
    reply.ok(print_json(*words));
}

// A browser has nothing to talk to without a phone that listens.
void FrontDesk::talk_mode(const Json& params, const Reply& reply) {
    const Client* client = parts_.hub.find(reply.client_id);
    if (!client) return;
    if (client->admission().params.is_web_chat() && !node_registry_.has_phone())
        return reply.failed(unavailable("talk disabled: no connected iOS/Android nodes", false));
    const std::string phase = text_member(params, "phase");
    const Json payload = {{"enabled", bool_member(params, "enabled")},
                          {"phase", phase.empty() ? Json() : Json(phase)},
                          {"ts", wall_ms()}};
    parts_.hub.broadcast("talk.mode", print_json(payload));
    reply.ok(print_json(payload));
}

}  // namespace gateway
