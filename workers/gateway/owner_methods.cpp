// The methods about what an owner looks after: the log, the channels, the voice devices.

#include "workers/common/base/clock.h"
#include "workers/gateway/channel_reports.h"
#include "workers/gateway/front_desk.h"
#include "workers/gateway/log_tail.h"

namespace gateway {

namespace {

constexpr size_t fewest_options = 2;
constexpr size_t most_options = 12;

// A channel is looked for as it is spelt in the configuration.
std::string channel_in(const Json& params) {
    std::string name = text_member(params, "channel");
    for (char& letter : name)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    return name;
}

}  // namespace

void FrontDesk::logs_tail(const Json& params, const Reply& reply) {
    if (const std::string faults = log_size_faults(params); !faults.empty())
        return reply.failed(invalid_request("invalid logs.tail params: " + faults));
    const auto most_bytes = static_cast<size_t>(int_member(params, "maxBytes", usual_log_bytes));
    parts_.log.ask(log_query(params), [this, reply, most_bytes](const auto& answer) {
        if (!answer) return reply.failed(unavailable(answer.error().what, true));
        reply.ok(print_json(log_reply(*answer, parts_.settings.host, most_bytes)));
    });
}

// Nothing is probed: a channel's worker says by itself how it stands.
void FrontDesk::channels_status(const Json&, const Reply& reply) {
    reply.ok(
        print_json(channels_report(parts_.settings.channels, parts_.workers(), wall_ms())));
}

void FrontDesk::channels_logout(const Json& params, const Reply& reply) {
    const std::string channel = channel_in(params);
    const std::string account = text_member(params, "accountId");
    if (const auto refused = logout_refusal(parts_.settings.channels, channel, account))
        return reply.failed(*refused);
    const Json& known = member(parts_.settings.channels, channel);
    configuration({{"channel", channel},
                   {"accountId", account.empty() ? text_member(known, "defaultAccount") : account}},
                  reply);
}

void FrontDesk::send_message(const Json& params, const Reply& reply) {
    const auto refused = outbound_refusal(parts_.settings.channels, parts_.workers(),
                                          channel_in(params), text_member(params, "accountId"));
    reply.failed(refused ? *refused
                         : unavailable("no message can be handed to this channel's worker", false));
}

void FrontDesk::poll(const Json& params, const Reply& reply) {
    const size_t options = member(params, "options").size();
    if (options < fewest_options || options > most_options)
        return reply.failed(
            invalid_request("invalid poll params: at /options: must NOT have fewer than 2 or more "
                            "than 12 items"));
    send_message(params, reply);
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
