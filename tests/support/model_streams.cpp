// The event streams of the three APIs, as their services send them.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/model_double.h"

namespace {

using Json = nlohmann::ordered_json;

std::string event(const std::string& type, const Json& data) {
    return "event: " + type + "\ndata: " + data.dump() + "\n\n";
}

std::string data_only(const Json& data) {
    return "data: " + data.dump() + "\n\n";
}

std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> list;
    size_t begin = 0;
    while (begin < text.size()) {
        const size_t space = text.find(' ', begin);
        const size_t end = space == std::string::npos ? text.size() : space + 1;
        list.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return list;
}

// The words that go out before an error in the middle.
std::vector<std::string> words_of(const ModelReply& reply, const std::string& text) {
    std::vector<std::string> list = words(text);
    if (reply.manner == ModelReply::Manner::late_error) list.resize((list.size() + 1) / 2);
    return list;
}

// Arguments come in pieces that are no JSON by themselves.
std::vector<std::string> halves(const std::string& text) {
    const size_t middle = text.size() / 2;
    return {text.substr(0, middle), text.substr(middle)};
}

std::string anthropic_block(int index, const Json& start, const std::string& delta_type,
                            const std::string& member, const std::vector<std::string>& pieces) {
    std::string out =
        event("content_block_start",
              {{"type", "content_block_start"}, {"index", index}, {"content_block", start}});
    for (const std::string& piece : pieces)
        out += event("content_block_delta", {{"type", "content_block_delta"},
                                             {"index", index},
                                             {"delta", {{"type", delta_type}, {member, piece}}}});
    return out;
}

std::string anthropic_end_of_block(int index) {
    return event("content_block_stop", {{"type", "content_block_stop"}, {"index", index}});
}

std::string anthropic_stream(const ModelReply& reply) {
    std::string out =
        event("message_start",
              {{"type", "message_start"},
               {"message",
                {{"id", "msg_01double"},
                 {"type", "message"},
                 {"role", "assistant"},
                 {"model", "double"},
                 {"content", Json::array()},
                 {"usage", {{"input_tokens", reply.input_tokens}, {"output_tokens", 1}}}}}});
    int index = 0;
    if (!reply.thinking.empty()) {
        out += anthropic_block(index, {{"type", "thinking"}, {"thinking", ""}}, "thinking_delta",
                               "thinking", words(reply.thinking));
        out += event("content_block_delta",
                     {{"type", "content_block_delta"},
                      {"index", index},
                      {"delta", {{"type", "signature_delta"}, {"signature", "c2lnbmVk"}}}});
        out += anthropic_end_of_block(index++);
    }
    out += anthropic_block(index, {{"type", "text"}, {"text", ""}}, "text_delta", "text",
                           words_of(reply, reply.text));
    out += event("ping", {{"type", "ping"}});
    if (reply.manner == ModelReply::Manner::late_error)
        return out +
               event("error",
                     {{"type", "error"},
                      {"error", {{"type", reply.error_type}, {"message", reply.error_message}}}});
    out += anthropic_end_of_block(index);
    for (const ModelReply::ToolUse& tool : reply.tools) {
        out += anthropic_block(
            ++index,
            {{"type", "tool_use"}, {"id", tool.id}, {"name", tool.name}, {"input", Json::object()}},
            "input_json_delta", "partial_json", halves(tool.arguments));
        out += anthropic_end_of_block(index);
    }
    out += event("message_delta",
                 {{"type", "message_delta"},
                  {"delta", {{"stop_reason", reply.tools.empty() ? "end_turn" : "tool_use"}}},
                  {"usage", {{"output_tokens", reply.output_tokens}}}});
    return out + event("message_stop", {{"type", "message_stop"}});
}

std::string responses_event(int& number, Json data) {
    data["sequence_number"] = number++;
    const std::string type = data["type"];
    return event(type, data);
}

std::string responses_stream(const ModelReply& reply) {
    int number = 0;
    std::string out = responses_event(
        number, {{"type", "response.created"}, {"response", {{"status", "in_progress"}}}});
    int index = 0;
    if (!reply.thinking.empty()) {
        Json item = {{"id", "rs_1"}, {"type", "reasoning"}, {"summary", Json::array()}};
        out += responses_event(
            number,
            {{"type", "response.output_item.added"}, {"output_index", index}, {"item", item}});
        for (const std::string& word : words(reply.thinking))
            out += responses_event(number, {{"type", "response.reasoning_summary_text.delta"},
                                            {"output_index", index},
                                            {"delta", word}});
        item["encrypted_content"] = "c2VjcmV0";
        out += responses_event(
            number,
            {{"type", "response.output_item.done"}, {"output_index", index++}, {"item", item}});
    }
    out += responses_event(number, {{"type", "response.output_item.added"},
                                    {"output_index", index},
                                    {"item",
                                     {{"id", "msg_1"},
                                      {"type", "message"},
                                      {"role", "assistant"},
                                      {"content", Json::array()}}}});
    for (const std::string& word : words_of(reply, reply.text))
        out += responses_event(number, {{"type", "response.output_text.delta"},
                                        {"output_index", index},
                                        {"content_index", 0},
                                        {"delta", word}});
    if (reply.manner == ModelReply::Manner::late_error)
        return out + responses_event(number, {{"type", "error"},
                                              {"code", reply.error_type},
                                              {"message", reply.error_message}});
    out += responses_event(
        number, {{"type", "response.output_item.done"},
                 {"output_index", index},
                 {"item",
                  {{"id", "msg_1"},
                   {"type", "message"},
                   {"role", "assistant"},
                   {"content", Json::array({{{"type", "output_text"}, {"text", reply.text}}})}}}});
    for (const ModelReply::ToolUse& tool : reply.tools) {
        Json item = {{"id", "fc_" + tool.id},
                     {"type", "function_call"},
                     {"call_id", tool.id},
                     {"name", tool.name},
                     {"arguments", ""}};
        out += responses_event(
            number,
            {{"type", "response.output_item.added"}, {"output_index", ++index}, {"item", item}});
        for (const std::string& piece : halves(tool.arguments))
            out += responses_event(number, {{"type", "response.function_call_arguments.delta"},
                                            {"output_index", index},
                                            {"delta", piece}});
        item["arguments"] = tool.arguments;
        out += responses_event(
            number,
            {{"type", "response.output_item.done"}, {"output_index", index}, {"item", item}});
    }
    return out + responses_event(
                     number, {{"type", "response.completed"},
                              {"response",
                               {{"status", "completed"},
                                {"usage",
                                 {{"input_tokens", reply.input_tokens},
                                  {"input_tokens_details", {{"cached_tokens", 0}}},
                                  {"output_tokens", reply.output_tokens},
                                  {"total_tokens", reply.input_tokens + reply.output_tokens}}}}}});
}

std::string completions_stream(const ModelReply& reply) {
    const auto chunk = [](Json delta, Json finish) {
        return data_only({{"id", "chatcmpl-double"},
                          {"object", "chat.completion.chunk"},
                          {"choices", Json::array({{{"index", 0},
                                                    {"delta", std::move(delta)},
                                                    {"finish_reason", std::move(finish)}}})}});
    };
    std::string out = chunk({{"role", "assistant"}, {"content", ""}}, nullptr);
    for (const std::string& word : words(reply.thinking))
        out += chunk({{"reasoning_content", word}}, nullptr);
    for (const std::string& word : words_of(reply, reply.text))
        out += chunk({{"content", word}}, nullptr);
    if (reply.manner == ModelReply::Manner::late_error)
        return out + data_only({{"error",
                                 {{"type", reply.error_type}, {"message", reply.error_message}}}});
    int index = 0;
    for (const ModelReply::ToolUse& tool : reply.tools) {
        Json call = {{"index", index},
                     {"id", tool.id},
                     {"type", "function"},
                     {"function", {{"name", tool.name}, {"arguments", ""}}}};
        out += chunk({{"tool_calls", Json::array({call})}}, nullptr);
        for (const std::string& piece : halves(tool.arguments))
            out +=
                chunk({{"tool_calls",
                        Json::array({{{"index", index}, {"function", {{"arguments", piece}}}}})}},
                      nullptr);
        ++index;
    }
    out += chunk(Json::object(), reply.tools.empty() ? "stop" : "tool_calls");
    out += data_only({{"choices", Json::array()},
                      {"usage",
                       {{"prompt_tokens", reply.input_tokens},
                        {"completion_tokens", reply.output_tokens},
                        {"total_tokens", reply.input_tokens + reply.output_tokens}}}});
    return out + "data: [DONE]\n\n";
}

std::string text_of(const Json& content) {
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    if (content.is_array())
        for (const Json& part : content)
            if (part.is_object() && part.contains("text") && part["text"].is_string())
                text += part["text"].get<std::string>();
    return text;
}

}  // namespace

std::string model_stream(const std::string& path, const ModelReply& reply) {
    if (path.ends_with("/messages")) return anthropic_stream(reply);
    if (path.ends_with("/responses")) return responses_stream(reply);
    return completions_stream(reply);
}

std::string model_error_body(const std::string& path, const ModelReply& reply) {
    const Json error = {{"type", reply.error_type}, {"message", reply.error_message}};
    if (path.ends_with("/messages"))
        return Json({{"type", "error"}, {"error", error}, {"request_id", "req_429"}}).dump();
    return Json({{"error", error}}).dump();
}

std::string last_user_text(const std::string& body) {
    const Json request = Json::parse(body, nullptr, false);
    if (!request.is_object()) return {};
    const Json list = request.value("messages", request.value("input", Json::array()));
    if (!list.is_array()) return {};
    for (auto message = list.rbegin(); message != list.rend(); ++message)
        if (message->is_object() && message->value("role", "") == "user")
            return text_of(message->value("content", Json()));
    return {};
}

std::string last_tool_result(const std::string& body) {
    const Json request = Json::parse(body, nullptr, false);
    if (!request.is_object()) return {};
    const Json list = request.value("messages", request.value("input", Json::array()));
    std::string found;
    for (const Json& message : list) {
        if (!message.is_object()) continue;
        if (message.value("role", "") == "tool") found = text_of(message["content"]);
        if (message.value("type", "") == "function_call_output") found = text_of(message["output"]);
        const Json content = message.value("content", Json());
        if (!content.is_array()) continue;
        for (const Json& block : content)
            if (block.is_object() && block.value("type", "") == "tool_result")
                found = text_of(block["content"]);
    }
    return found;
}
