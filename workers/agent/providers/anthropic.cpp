#include "workers/agent/providers/anthropic.h"

#include <algorithm>
#include <map>

#include "workers/agent/providers/conversation.h"

namespace agent::anthropic {

namespace {

constexpr const char* api_version = "anthropic-version: 2023-06-01";
// Asked for only where they have an effect: other servers of this API may not know them.
constexpr const char* tool_streaming = "fine-grained-tool-streaming-2025-05-14";
constexpr const char* interleaved_thinking = "interleaved-thinking-2025-05-14";

struct Budget {
    std::string_view effort;
    int64_t tokens;
};

constexpr Budget budgets[] = {{"minimal", 1024}, {"low", 2048}, {"medium", 8192}, {"high", 16384}};

int64_t thinking_budget(const Model& model, const std::string& thinking) {
    const std::string effort = reasoning_effort(model, thinking);
    for (const Budget& row : budgets)
        if (row.effort == effort) return row.tokens;
    return 0;
}

Json cache_mark(const Model& model) {
    Json mark = {{"type", "ephemeral"}};
    if (!model.cache_ttl.empty()) mark["ttl"] = model.cache_ttl;
    return mark;
}

// The comma after the last element goes.
void close_list(std::string& text, std::string_view end) {
    if (text.back() == ',') text.pop_back();
    text += end;
}

Json wire_block(const Json& block);

Json wire_blocks(const Json& blocks) {
    Json list = Json::array();
    for (const Json& block : blocks) list.push_back(wire_block(block));
    return list;
}

// Thinking goes back exactly as it came; without its signature the service refuses it.
Json wire_thinking(const Json& block) {
    const std::string signature = text_member(block, "thinkingSignature");
    if (signature.empty()) return nullptr;
    return {{"type", "thinking"},
            {"thinking", text_member(block, "thinking")},
            {"signature", signature}};
}

Json wire_image(const Json& block) {
    return {{"type", "image"},
            {"source",
             {{"type", "base64"},
              {"media_type", image_type(block)},
              {"data", text_member(block, "data")}}}};
}

Json wire_document(const Json& block) {
    Json document = wire_image(block);  // but for its type they are alike
    document["type"] = "document";
    document["title"] = document_name(block);
    return document;
}

Json wire_call(const Json& block) {
    const Json& arguments = member(block, "arguments");
    return {{"type", "tool_use"},
            {"id", safe_call_id(text_member(block, "id"))},
            {"name", text_member(block, "name")},
            {"input", arguments.is_object() ? arguments : Json::object()}};
}

Json wire_result(const Json& block) {
    Json result = {{"type", "tool_result"},
                   {"tool_use_id", safe_call_id(text_member(block, "toolCallId"))},
                   {"content", wire_blocks(member(block, "content"))}};
    if (bool_member(block, "isError")) result["is_error"] = true;
    return result;
}

Json wire_block(const Json& block) {
    const std::string type = text_member(block, "type");
    if (type == "text") return {{"type", "text"}, {"text", text_member(block, "text")}};
    if (type == "image") return wire_image(block);
    if (type == "document") return wire_document(block);
    if (type == "thinking") return wire_thinking(block);
    if (type == "redacted_thinking")
        return {{"type", "redacted_thinking"}, {"data", text_member(block, "data")}};
    if (type == "toolCall") return wire_call(block);
    if (type == "toolResult") return wire_result(block);
    return nullptr;
}

void append_block(std::string& text, const Json& block, const Json* mark) {
    if (!mark && text_view(block, "type") == "text") {
        text += R"({"type":"text","text":)";
        append_quoted(text, text_view(block, "text"));
        text += "},";
        return;
    }
    Json wire = wire_block(block);
    if (wire.is_null()) return;
    if (mark) wire["cache_control"] = *mark;
    text += print_json(wire);
    text += ',';
}

std::string wire_turn(const Turn& turn) {
    std::string text;
    for (const Json* block : turn.blocks) append_block(text, *block, nullptr);
    return text;
}

// Everything up to the block with the mark is what the service keeps for the next turn.
void append_marked(std::string& text, const Turn& turn, const Json& mark) {
    for (const Json* block : turn.blocks)
        append_block(text, *block, block == turn.blocks.back() ? &mark : nullptr);
}

std::string wire_messages(const Turns& turns, const Model& model) {
    const auto last_user =
        std::find_if(turns.list.rbegin(), turns.list.rend(),
                     [](const Turn& turn) { return turn.role != Turn::Role::assistant; });
    const Json mark = cache_mark(model);
    std::string text = "[";
    text.reserve(printed_size(turns));
    const auto add = [&text](const std::string& blocks) { text += blocks; };
    std::string_view open_role;
    for (const Turn& turn : turns.list) {
        const std::string_view role = turn.role == Turn::Role::assistant ? "assistant" : "user";
        // Results and a user's text in a row are one message: roles alternate.
        if (role != open_role) {
            if (!open_role.empty()) close_list(text, "]},");
            text += R"({"role":")" + std::string(role) + R"(","content":[)";
            open_role = role;
        }
        if (last_user != turns.list.rend() && &turn == &*last_user)
            append_marked(text, turn, mark);
        else
            print_once(turn, Api::anthropic_messages, wire_turn, add);
    }
    if (!open_role.empty()) close_list(text, "]}");
    text += ']';
    return text;
}

Json wire_tools(const Json& tools) {
    Json list = Json::array();
    for (const Json& tool : tools)
        list.push_back({{"name", text_member(tool, "name")},
                        {"description", text_member(tool, "description")},
                        {"input_schema", member(tool, "parameters")}});
    return list;
}

bool begins_with_thinking(const Turn& turn) {
    for (const Json* block : turn.blocks) {
        const std::string_view type = text_view(*block, "type");
        if (type == "redacted_thinking") return true;
        if (type == "thinking" && text_view(*block, "thinkingSignature").empty()) continue;
        return type == "thinking";
    }
    return false;
}

// The service goes on to think about results only where the calls were thought about: it refuses
// calls that another model made, or this one before it was told to think.
bool may_think(const Turns& turns) {
    const std::vector<Turn>& list = turns.list;
    for (size_t at = list.size(); at-- > 0;) {
        const bool is_question = list[at].role == Turn::Role::user &&
                                 (at == 0 || list[at - 1].role != Turn::Role::tool_results);
        if (!is_question) continue;
        return at + 1 == list.size() || begins_with_thinking(list[at + 1]);
    }
    return true;
}

void set_lengths(Json& body, const Model& model, int64_t budget) {
    const int64_t most = std::max(model.max_tokens, model.asked_tokens);
    int64_t tokens =
        model.asked_tokens > 0
            ? model.asked_tokens
            : std::max<int64_t>(model.max_tokens / 3, std::min<int64_t>(model.max_tokens, 4096));
    if (budget > 0) tokens = std::min(tokens + budget, most);
    body["max_tokens"] = tokens;
    // The budget is part of the length, and the answer needs some of it; the least that the
    // service takes is 1024.
    const int64_t fitting = std::min(budget, tokens - 1024);
    if (fitting >= 1024) body["thinking"] = {{"type", "enabled"}, {"budget_tokens", fitting}};
    // With thinking the service takes no temperature but its own.
    if (model.temperature && !body.contains("thinking")) body["temperature"] = *model.temperature;
}

std::vector<std::string> wire_headers(const Model& model, const Json& body,
                                      const std::string& key) {
    std::vector<std::string> headers = {"content-type: application/json", api_version,
                                        "accept: text/event-stream"};
    if (!key.empty()) headers.push_back("x-api-key: " + key);
    if (!key.empty() && model.bearer_header) headers.push_back("authorization: Bearer " + key);
    if (body.contains("tools")) {
        std::string beta = std::string("anthropic-beta: ") + tool_streaming;
        if (body.contains("thinking")) beta += std::string(",") + interleaved_thinking;
        headers.push_back(std::move(beta));
    }
    return headers;
}

// The configuration may give the address with or without the version.
std::string endpoint(const std::string& base) {
    return base + (base.ends_with("/v1") ? "/messages" : "/v1/messages");
}

std::string stop_reason_of(const std::string& reason) {
    if (reason == "max_tokens" || reason == "model_context_window_exceeded") return "length";
    if (reason == "tool_use") return "toolUse";
    return "stop";  // end_turn, stop_sequence, pause_turn
}

class Reader final : public Interpreter {
  public:
    using Interpreter::Interpreter;

  protected:
    void take_event(const std::string& type, const Json& data) override {
        if (type == "content_block_delta") return take_delta(data);
        if (type == "content_block_start") return start_block(data);
        if (type == "message_start") return take_usage(member_at(data, "message.usage"));
        if (type == "message_delta") return take_message_delta(data);
        if (type == "message_stop") return complete();
        if (type == "error") return fail_with(member(data, "error"));
    }

  private:
    void start_block(const Json& data) {
        if (!has_room()) return;
        const Json& start = member(data, "content_block");
        const std::string type = text_member(start, "type");
        const int64_t index = int_member(data, "index", -1);
        if (type == "text")
            blocks_[index] = add_text(text_member(start, "text"));
        else if (type == "thinking")
            start_thinking(index, start);
        else if (type == "redacted_thinking")
            add_block({{"type", type}, {"data", text_member(start, "data")}});
        else if (type == "tool_use")
            start_call(index, start);
    }

    void start_thinking(int64_t index, const Json& start) {
        blocks_[index] = add_thinking();
        append_thinking(blocks_[index], text_member(start, "thinking"));
    }

    void start_call(int64_t index, const Json& start) {
        blocks_[index] = add_tool_call(text_member(start, "id"), text_member(start, "name"));
        // Some servers send the whole input here, others an empty object and then its text.
        const Json& input = member(start, "input");
        if (input.is_object() && !input.empty())
            append_arguments(blocks_[index], print_json(input));
    }

    void take_delta(const Json& data) {
        const auto found = blocks_.find(int_member(data, "index", -1));
        if (found == blocks_.end()) return;
        const size_t at = found->second;
        const Json& delta = member(data, "delta");
        const std::string kind = text_member(block(at), "type");
        const std::string type = text_member(delta, "type");
        if (type == "text_delta" && kind == "text")
            append_text(at, text_member(delta, "text"));
        else if (type == "thinking_delta" && kind == "thinking")
            append_thinking(at, text_member(delta, "thinking"));
        else if (type == "signature_delta" && kind == "thinking")
            block(at)["thinkingSignature"] =
                text_member(block(at), "thinkingSignature") + text_member(delta, "signature");
        else if (type == "input_json_delta" && kind == "toolCall")
            append_arguments(at, text_member(delta, "partial_json"));
    }

    void take_message_delta(const Json& data) {
        take_usage(member(data, "usage"));
        const std::string reason = text_member(member(data, "delta"), "stop_reason");
        if (reason.empty()) return;
        if (reason == "refusal")
            return fail({ModelFailure::Reason::format, 0, "the model declined to answer", {}});
        stop_reason_ = stop_reason_of(reason);
    }

    // Counts are cumulative; one that a later event leaves out, or repeats as 0, stays.
    void take_usage(const Json& usage) {
        const auto take_count = [&](int64_t& count, const char* name) {
            if (const int64_t value = token_count(usage, name); value > 0) count = value;
        };
        take_count(counts_.input, "input_tokens");
        take_count(counts_.output, "output_tokens");
        take_count(counts_.cache_read, "cache_read_input_tokens");
        take_count(counts_.cache_write, "cache_creation_input_tokens");
    }

    std::map<int64_t, size_t> blocks_;  // by the service's index
};

}  // namespace

WireRequest encode(const Model& model, const Prompt& prompt, const std::string& key) {
    const Turns turns = normalised(prompt.messages, model);
    Json body = {{"model", model.name.model}, {"stream", true}};
    set_lengths(body, model, may_think(turns) ? thinking_budget(model, prompt.thinking) : 0);
    if (!prompt.system.empty())
        body["system"] = Json::array(
            {{{"type", "text"}, {"text", prompt.system}, {"cache_control", cache_mark(model)}}});
    if (!prompt.tools.empty()) body["tools"] = wire_tools(prompt.tools);
    return {endpoint(model.base_url), wire_headers(model, body, key),
            with_list(print_json(body), "messages", wire_messages(turns, model))};
}

std::unique_ptr<Interpreter> make_interpreter(const Model& model) {
    return std::make_unique<Reader>(model);
}

}  // namespace agent::anthropic
