// Telephone calls: served by the process that has the company's keys.

#include "workers/agent/channels/channels.h"
#include "workers/agent/methods.h"

namespace agent {

namespace {

const ChannelAccount voice_account{voice_channel, "default"};

// As OpenClaw's plug-in fails: with the error in the payload, too.
Answer failed(const Error& error) {
    Answer answer = answer_for(error);
    answer.payload_json = print_json({{"error", error.what}});
    return answer;
}

}  // namespace

void Methods::voice_call(const char* method, const Json& params, bool by_model,
                         const Reply& reply) {
    if (!services_.channels || !services_.channels->has(voice_account))
        return reply(failed({Fault::unreachable,
                             "telephone calls are not configured here: enable "
                             "plugins.entries.voice-call"}));
    services_.channels->call_worker(
        voice_account, method, params, by_model, [reply](const Result<Json>& payload) {
            reply(payload ? answer_with(*payload) : failed(payload.error()));
        });
}

void Methods::voice_initiate(const Json& params, const Reply& reply) {
    voice_call("voicecall.initiate", params, false, reply);
}

void Methods::voice_start(const Json& params, const Reply& reply) {
    voice_call("voicecall.start", params, false, reply);
}

void Methods::voice_continue(const Json& params, const Reply& reply) {
    voice_call("voicecall.continue", params, false, reply);
}

void Methods::voice_speak(const Json& params, const Reply& reply) {
    voice_call("voicecall.speak", params, false, reply);
}

void Methods::voice_end(const Json& params, const Reply& reply) {
    voice_call("voicecall.end", params, false, reply);
}

void Methods::voice_status(const Json& params, const Reply& reply) {
    voice_call("voicecall.status", params, false, reply);
}

// The model's tool: it may not call whom it likes.
void Methods::voice_tool(const Json& params, const Reply& reply) {
    struct Action {
        std::string_view name;
        const char* method;
    };
    constexpr Action actions[] = {
        {"initiate_call", "voicecall.initiate"}, {"continue_call", "voicecall.continue"},
        {"speak_to_user", "voicecall.speak"},    {"end_call", "voicecall.end"},
        {"get_status", "voicecall.status"},
    };
    const std::string action = text_member(params, "action");
    for (const Action& row : actions)
        if (row.name == action) return voice_call(row.method, params, true, reply);
    // As earlier versions of the tool were called.
    const std::string mode = text_member(params, "mode");
    if (!action.empty() || (mode != "call" && mode != "status"))
        return reply(refused("voice_call: there is no action " + action));
    Json plain = params;
    plain.erase("mode");
    voice_call(mode == "call" ? "voicecall.initiate" : "voicecall.status", plain, true, reply);
}

}  // namespace agent
