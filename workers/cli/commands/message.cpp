#include "workers/cli/commands/message.h"

#include "workers/cli/commands/gateway_methods.h"
#include "workers/cli/gateway_client.h"

namespace cli {

namespace {

Error missing(const std::string& option) {
    return {Fault::bad_message,
            option + " is missing; see `hardshell message send --help` for what it takes"};
}

Json outcome(const Json& params, const Json& payload, bool dry_run) {
    const std::string channel = text_member(payload, "channel", text_member(params, "channel"));
    return {{"action", "send"},
            {"channel", channel},
            {"dryRun", dry_run},
            {"handledBy", "gateway"},
            {"payload", payload}};
}

}  // namespace

Result<Json> send_params(const Arguments& given, const std::string& idempotency_key) {
    for (const char* option : {"reply-to", "thread-id", "silent"})
        if (given.has(option))
            return Error{Fault::bad_message,
                         std::string("--") + option +
                             ": the gateway's method send has no such thing; leave it out"};
    if (given.text("target").empty()) return missing("--target");
    if (given.text("message").empty() && given.text("media").empty()) return missing("--message");
    Json params = {{"to", given.text("target")}, {"message", given.text("message")}};
    if (const std::string media = given.text("media"); !media.empty()) {
        params["mediaUrl"] = media;
        // The gateway wants a text; a picture alone has its address.
        if (given.text("message").empty()) params["message"] = media;
    }
    if (given.has("gif-playback")) params["gifPlayback"] = true;
    if (const std::string channel = given.text("channel"); !channel.empty())
        params["channel"] = channel;
    if (const std::string account = given.text("account"); !account.empty())
        params["accountId"] = account;
    params["idempotencyKey"] = idempotency_key;
    return params;
}

int run_message_send(const Context& context) {
    const Arguments& given = context.arguments;
    const Result<Json> params = send_params(given, random_uuid());
    if (!params) return fail(params.error());
    const bool dry_run = given.has("dry-run");
    Json payload = Json::object();
    if (!dry_run) {
        Result<Json> sent = call_gateway(context, "send", *params);
        if (!sent) return fail(sent.error());
        payload = std::move(*sent);
    }
    if (given.has("json")) return print(pretty(outcome(*params, payload, dry_run))) ? 0 : 1;
    print(dry_run ? "Nothing was sent: it was a dry run.\n"
                  : "Sent by " + printable(text_member(payload, "channel", "the channel")) +
                        ", message " + printable(text_member(payload, "messageId", "?")) + ".\n");
    return 0;
}

}  // namespace cli
