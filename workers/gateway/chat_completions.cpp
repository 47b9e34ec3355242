#include "workers/gateway/chat_completions.h"

#include "workers/gateway/frames.h"

namespace gateway {

namespace {

constexpr const char* silent_answer = "The agent had nothing to say.";

Json usage_of_completion(const TurnUsage& usage) {
    return Json{{"prompt_tokens", usage.input},
                {"completion_tokens", usage.output},
                {"total_tokens", usage.input + usage.output},
                {"prompt_tokens_details", {{"cached_tokens", usage.cached}}}};
}

const char* finish_reason_of(const TurnEnd& end) {
    return end.how == TurnEnd::How::cut_short ? "length" : "stop";
}

// What a client would wait for in vain.
Done refuse_what_cannot_be(const Json& body) {
    if (int_member(body, "n", 1) != 1) return unfit("n", "there is one answer to a request; use 1");
    const Json& choice = member(body, "tool_choice");
    if (choice == "required" || choice.is_object())
        return unfit("tool_choice", "the agent has its own tools and cannot be made to call yours");
    const std::string format = text_member(member(body, "response_format"), "type", "text");
    if (format != "text")
        return unfit("response_format", "the agent answers in text; leave it out or use text");
    return {};
}

std::string speaker_of(const Json& message, const std::string& role) {
    if (role == "assistant") return "Assistant";
    const std::string name = text_member(message, "name");
    const std::string kind = role == "user" ? "User" : "Tool";
    return name.empty() ? kind : kind + " " + name;
}

Done add_message(ConversationInput& input, const Json& message, const std::string& where,
                 const MediaLimits& images) {
    if (!message.is_object()) return unfit(where, "must be an object");
    const std::string role = text_member(message, "role");
    Result<Spoken> spoken =
        read_chat_content(member(message, "content"), where + ".content", images);
    if (!spoken) return spoken.error();
    if (role == "system" || role == "developer") {
        input.add_system(spoken->text);
        return {};
    }
    const bool asks = role == "user" || role == "tool" || role == "function";
    if (!asks && role != "assistant")
        return unfit(where + ".role", "use system, developer, user, assistant or tool");
    input.add(speaker_of(message, role), std::move(spoken->text), asks,
              std::move(spoken->attachments));
    return {};
}

}  // namespace

Result<ChatRequest> read_chat_request(const Json& body, const HttpAsk& ask,
                                      const GatewaySettings& settings) {
    if (!body.is_object()) return Error{Fault::bad_message, "the body must be an object"};
    const Json& messages = member(body, "messages");
    if (!messages.is_array() || messages.empty())
        return unfit("messages", "must be a list with at least one message");
    if (const Done done = refuse_what_cannot_be(body); !done) return done.error();
    ConversationInput input;
    size_t index = 0;
    for (const Json& message : messages)
        if (const Done done = add_message(
                input, message, "messages[" + std::to_string(index++) + "]", settings.http.images);
            !done)
            return done.error();
    ChatRequest request;
    request.order.message = input.message();
    if (request.order.message.empty())
        return unfit("messages", "there is no text of a user to answer");
    request.order.extra_system = input.system();
    request.model = text_member(body, "model", "openclaw");
    request.streams = bool_member(body, "stream");
    request.wants_usage = bool_member(member(body, "stream_options"), "include_usage");
    const bool names_session =
        choose_session(request.order, ask, request.model, text_member(body, "user"), "openai",
                       settings.default_agent);
    request.order.attachments = input.take_attachments(names_session);
    return request;
}

Json ChatFormat::frame(const char* object) const {
    return Json{{"id", id_}, {"object", object}, {"created", created_s_}, {"model", model_}};
}

std::string ChatFormat::chunk(Json delta, const char* finish_reason) const {
    Json choice{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", nullptr}};
    if (finish_reason) choice["finish_reason"] = finish_reason;
    Json made = frame("chat.completion.chunk");
    made["choices"] = Json::array({std::move(choice)});
    if (wants_usage_) made["usage"] = nullptr;
    return sse_event(print_json(made));
}

std::string ChatFormat::opening() {
    return chunk({{"role", "assistant"}, {"content", ""}}, nullptr);
}

std::string ChatFormat::piece(std::string_view text) {
    return chunk({{"content", std::string(text)}}, nullptr);
}

// An error is told as text: a chat window shows that, and knows nothing else to show.
std::string ChatFormat::closing(const TurnEnd& end, const std::string& streamed) {
    std::string text;
    if (!end.has_answer())
        text =
            chunk({{"content", (streamed.empty() ? "" : "\n\n") + ("Error: " + end.why)}}, nullptr);
    else if (streamed.empty())
        text = chunk({{"content", silent_answer}}, nullptr);
    text += chunk(Json::object(), finish_reason_of(end));
    if (wants_usage_) {
        Json last = frame("chat.completion.chunk");
        last["choices"] = Json::array();
        last["usage"] = usage_of_completion(end.usage);
        text += sse_event(print_json(last));
    }
    return text + sse_event("[DONE]");
}

HttpAnswer ChatFormat::whole(const TurnEnd& end) {
    if (!end.has_answer()) {
        const HttpFault fault = http_fault(end.how);
        return openai_failure(fault.status, fault.type, end.why,
                              fault.status == 503 ? "\r\nRetry-After: 2" : "");
    }
    Json made = frame("chat.completion");
    made["choices"] = Json::array({Json{{"index", 0},
                                        {"message",
                                         {{"role", "assistant"},
                                          {"content", end.text.empty() ? silent_answer : end.text},
                                          {"refusal", nullptr}}},
                                        {"logprobs", nullptr},
                                        {"finish_reason", finish_reason_of(end)}}});
    made["usage"] = usage_of_completion(end.usage);
    return json_answer(200, made);
}

}  // namespace gateway
