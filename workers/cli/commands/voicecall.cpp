#include "workers/cli/commands/voicecall.h"

#include "workers/cli/commands/gateway_methods.h"

namespace cli {

namespace {

constexpr int64_t patience_ms = 20'000;
// `transcriptTimeoutMs` may be an hour, and ends it there.
constexpr int64_t listening_ms = 3'620'000;

struct Row {
    const char* method;
    const char* option;
    const char* member;
    bool is_needed;
};
constexpr Row rows[] = {
    // method, option, member of its parameters, whether it is needed
    {"voicecall.initiate", "to", "to", false},
    {"voicecall.initiate", "message", "message", true},
    {"voicecall.initiate", "mode", "mode", false},
    {"voicecall.start", "to", "to", true},
    {"voicecall.start", "message", "message", false},
    {"voicecall.start", "mode", "mode", false},
    {"voicecall.continue", "call-id", "callId", true},
    {"voicecall.continue", "message", "message", true},
    {"voicecall.speak", "call-id", "callId", true},
    {"voicecall.speak", "message", "message", true},
    {"voicecall.end", "call-id", "callId", true},
    {"voicecall.status", "call-id", "callId", true},
};

int run(const Context& context, const std::string& method, int64_t patience = patience_ms) {
    const Result<Json> params = voicecall_params(method, context.arguments);
    if (!params) return fail(params.error());
    const Result<Json> answer = call_gateway(context, method, *params, patience);
    if (!answer) return fail(answer.error());
    return print(pretty(*answer)) ? 0 : 1;
}

}  // namespace

Result<Json> voicecall_params(const std::string& method, const Arguments& given) {
    Json params = Json::object();
    for (const Row& row : rows) {
        if (method != row.method) continue;
        const std::string value = given.text(row.option);
        if (!value.empty())
            params[row.member] = value;
        else if (row.is_needed)
            return Error{Fault::bad_message, std::string("--") + row.option + " is missing"};
    }
    return params;
}

int run_voicecall_call(const Context& context) {
    return run(context, "voicecall.initiate");
}
int run_voicecall_start(const Context& context) {
    return run(context, "voicecall.start");
}
int run_voicecall_continue(const Context& context) {
    return run(context, "voicecall.continue", listening_ms);
}
int run_voicecall_speak(const Context& context) {
    return run(context, "voicecall.speak");
}
int run_voicecall_end(const Context& context) {
    return run(context, "voicecall.end");
}
int run_voicecall_status(const Context& context) {
    return run(context, "voicecall.status");
}

}  // namespace cli
