#include "workers/cli/commands/agent.h"

#include <unistd.h>

#include "workers/cli/gateway_client.h"

namespace cli {

namespace {

constexpr int64_t seconds_by_default = 600;
constexpr int64_t most_seconds = 24 * 3600;
// The agent ends the run at its timeout; its answer needs time to arrive.
constexpr std::chrono::seconds grace{30};

struct Parameter {
    const char* option;
    const char* name;
};
constexpr Parameter optional_parameters[] = {
    {"agent", "agentId"},
    {"session-id", "sessionId"},
    {"to", "to"},
    {"thinking", "thinking"},
    {"channel", "channel"},
    {"reply-to", "replyTo"},
    {"reply-channel", "replyChannel"},
    {"reply-account", "replyAccountId"},
};

}  // namespace

Result<Json> agent_params(const Arguments& arguments, const std::string& run_id) {
    const std::string message = arguments.text("message");
    if (message.find_first_not_of(" \t\r\n") == std::string::npos)
        return Error{Fault::bad_message,
                     "there is nothing to say; use `hardshell agent -m \"text\"`"};
    const Result<int64_t> timeout = arguments.number("timeout", seconds_by_default, most_seconds);
    if (!timeout) return timeout.error();
    Json params = {{"message", message}, {"idempotencyKey", run_id}};
    for (const Parameter& row : optional_parameters)
        if (arguments.has(row.option)) params[row.name] = arguments.text(row.option);
    if (arguments.has("deliver")) params["deliver"] = true;
    if (arguments.has("timeout")) params["timeout"] = *timeout;
    return params;
}

std::string answer_text(const Json& final_payload) {
    std::string out;
    for (const Json& payload : member_at(final_payload, "result.payloads")) {
        const std::string text = text_member(payload, "text");
        if (text.empty()) continue;
        if (!out.empty()) out += "\n\n";
        out += text;
    }
    return out;
}

void AnswerPrinter::see(const std::string& event, const Json& payload) {
    if (!as_it_comes_ || event != "agent" || text_member(payload, "runId") != run_id_ ||
        text_member(payload, "stream") != "assistant")
        return;
    // The cumulative text decides: a delta alone cannot tell whether one was missed.
    const std::string text = text_member(member(payload, "data"), "text");
    if (!text.starts_with(printed_) || text.size() == printed_.size()) return;
    write_(printable(std::string_view(text).substr(printed_.size()), true));
    printed_ = text;
}

void AnswerPrinter::finish(const std::string& text) {
    if (text.starts_with(printed_)) {
        write_(printable(std::string_view(text).substr(printed_.size()), true) + "\n");
    } else {
        // Only white space was cut off its end, or it is another text altogether.
        const bool same = printed_.starts_with(text) &&
                          printed_.find_first_not_of(" \t\r\n", text.size()) == std::string::npos;
        write_(same ? "\n" : "\n" + printable(text, true) + "\n");
    }
    printed_.clear();
}

void AnswerPrinter::give_up() {
    if (!printed_.empty()) write_("\n");
    printed_.clear();
}

int run_agent(const Context& context) {
    const Arguments& given = context.arguments;
    const std::string run_id = random_uuid();
    Result<Json> params = agent_params(given, run_id);
    if (!params) return fail(params.error());
    const std::chrono::seconds timeout{*given.number("timeout", seconds_by_default, most_seconds)};
    Result<Target> target = find_gateway(context);
    if (!target) return fail(target.error());
    const auto now = std::chrono::steady_clock::now();
    Result<std::unique_ptr<GatewayClient>> client =
        GatewayClient::connect(*target, now + std::chrono::seconds(10));
    if (!client) return fail(client.error());

    const bool json = given.has("json");
    AnswerPrinter printer{run_id, !json && isatty(STDOUT_FILENO) == 1,
                          [](const std::string& text) { print(text); }};
    const Result<Json> answer = (*client)->call(
        {"agent", *params, true,
         [&](const std::string& event, const Json& payload) { printer.see(event, payload); }},
        now + timeout + grace);
    if (!answer) {
        printer.give_up();
        return fail(answer.error());
    }
    if (json)
        print(print_json(*answer) + "\n");
    else
        printer.finish(answer_text(*answer));
    return 0;
}

}  // namespace cli
