#include "workers/agent/providers/chat_completions.h"

#include <algorithm>
#include <map>

#include "workers/agent/providers/conversation.h"

namespace agent::chat_completions {

namespace {

// OpenRouter hands the mark on to Anthropic, which keeps for the next turn what comes before it;
// without one it keeps nothing.
bool wants_cache_mark(const Model& model) {
    return model.name.provider == "openrouter" && model.name.model.starts_with("anthropic/");
}

Json marked_text(const Model& model, std::string text) {
    Json mark = {{"type", "ephemeral"}};
    if (!model.cache_ttl.empty()) mark["ttl"] = model.cache_ttl;
    return {{"type", "text"}, {"text", std::move(text)}, {"cache_control", std::move(mark)}};
}

std::string call_id(const Model& model, const std::string& id) {
    return model.compatibility.short_call_ids ? short_call_id(id) : safe_call_id(id);
}

// Plain text where it is only text: not every server knows lists of parts.
Json user_content(const Blocks& blocks) {
    const bool only_text = std::all_of(blocks.begin(), blocks.end(), [](const Json* block) {
        return text_view(*block, "type") == "text";
    });
    if (only_text) return joined_text(blocks);
    Json parts = Json::array();
    for (const Json* each : blocks) {
        const Json& block = *each;
        if (text_member(block, "type") == "image")
            parts.push_back(
                {{"type", "image_url"}, {"image_url", {{"url", image_data_url(block)}}}});
        else if (text_view(block, "type") == "document")
            parts.push_back(
                {{"type", "file"},
                 {"file",
                  {{"filename", document_name(block)}, {"file_data", image_data_url(block)}}}});
        else
            parts.push_back({{"type", "text"}, {"text", text_member(block, "text")}});
    }
    return parts;
}

Json wire_call(const Model& model, const Json& block) {
    const Json& arguments = member(block, "arguments");
    return {{"id", call_id(model, text_member(block, "id"))},
            {"type", "function"},
            {"function",
             {{"name", text_member(block, "name")},
              {"arguments", print_json(arguments.is_object() ? arguments : Json::object())}}}};
}

Json assistant_message(const Model& model, const Blocks& blocks) {
    Json calls = Json::array();
    for (const Json* block : blocks)
        if (text_member(*block, "type") == "toolCall") calls.push_back(wire_call(model, *block));
    const std::string text = joined_text(blocks);
    Json message = {{"role", "assistant"}, {"content", text}};
    if (!calls.empty()) {
        if (text.empty()) message["content"] = nullptr;
        message["tool_calls"] = std::move(calls);
    }
    return message;
}

// Pictures cannot be in a tool's message: they follow as the user's.
void add_results(Printed& messages, const Model& model, const Blocks& blocks) {
    Blocks images;
    for (const Json* block : blocks) {
        const Blocks content = blocks_of(member(*block, "content"));
        const std::string text = joined_text(content);
        Json result = {{"role", "tool"},
                       {"tool_call_id", call_id(model, text_member(*block, "toolCallId"))},
                       {"content", text.empty() ? "(see the image below)" : text}};
        if (model.compatibility.named_results) result["name"] = text_member(*block, "toolName");
        messages.add(result);
        for (const Json* part : content)
            if (text_member(*part, "type") == "image") images.push_back(part);
    }
    if (!images.empty()) messages.add({{"role", "user"}, {"content", user_content(images)}});
}

// A text becomes a part with a mark; of parts the last text gets it.
Json marked_content(const Model& model, Json content) {
    if (content.is_string()) return Json::array({marked_text(model, content.get<std::string>())});
    for (auto part = content.rbegin(); part != content.rend(); ++part)
        if (text_view(*part, "type") == "text") {
            *part = marked_text(model, text_member(*part, "text"));
            break;
        }
    return content;
}

std::string wire_turn(const Model& model, const Turn& turn, bool marked) {
    Printed messages;
    if (turn.role == Turn::Role::user) {
        Json content = user_content(turn.blocks);
        if (marked) content = marked_content(model, std::move(content));
        messages.add({{"role", "user"}, {"content", std::move(content)}});
    } else if (turn.role == Turn::Role::assistant) {
        messages.add(assistant_message(model, turn.blocks));
    } else {
        add_results(messages, model, turn.blocks);
    }
    return std::move(messages).elements();
}

std::string wire_messages(const Model& model, const Prompt& prompt) {
    const bool has_marks = wants_cache_mark(model);
    Printed messages;
    if (!prompt.system.empty()) {
        const bool developer = model.reasoning && model.compatibility.developer_role;
        const Json system = prompt.system;
        messages.add({{"role", developer ? "developer" : "system"},
                      {"content", has_marks ? marked_content(model, system) : system}});
    }
    const Turns turns = normalised(prompt.messages, model);
    const auto last_user =
        std::find_if(turns.list.rbegin(), turns.list.rend(),
                     [](const Turn& turn) { return turn.role == Turn::Role::user; });
    messages.expect(prompt.system.size() + printed_size(turns));
    const auto add = [&messages](const std::string& elements) { messages.add_all(elements); };
    const auto print = [&model](const Turn& turn) { return wire_turn(model, turn, false); };
    for (const Turn& turn : turns.list)
        if (has_marks && last_user != turns.list.rend() && &turn == &*last_user)
            messages.add_all(wire_turn(model, turn, true));
        else
            print_once(turn, Api::chat_completions, print, add);
    return std::move(messages).list();
}

Json wire_tools(const Json& tools) {
    Json list = Json::array();
    for (const Json& tool : tools)
        list.push_back({{"type", "function"},
                        {"function",
                         {{"name", text_member(tool, "name")},
                          {"description", text_member(tool, "description")},
                          {"parameters", member(tool, "parameters")}}}});
    return list;
}

class Reader final : public Interpreter {
  public:
    using Interpreter::Interpreter;

  protected:
    bool take_plain(const std::string& data) override {
        if (data != "[DONE]") return false;
        if (has_finished_)
            complete();
        else
            end_of_stream();
        return true;
    }

    // Some servers close after the last chunk without "[DONE]".
    bool accepts_end() const override { return has_finished_; }

    void take_event(const std::string&, const Json& data) override {
        if (const Json& error = member(data, "error"); !error.is_null()) return fail_with(error);
        take_usage(member(data, "usage"));
        const Json& choices = member(data, "choices");
        if (!choices.is_array() || choices.empty()) return;
        const Json& choice = choices.front();
        take_usage(member(choice, "usage"));
        take_delta(member(choice, "delta"));
        if (const std::string reason = text_member(choice, "finish_reason"); !reason.empty())
            finish(reason);
    }

  private:
    static constexpr size_t none = static_cast<size_t>(-1);

    void take_delta(const Json& delta) {
        // Three names for the same text; servers that send two would have it shown twice.
        for (const char* name : {"reasoning_content", "reasoning", "reasoning_text"})
            if (const std::string text = text_member(delta, name); !text.empty()) {
                think(text);
                break;
            }
        const Json& content = member(delta, "content");
        if (content.is_string()) say(content.get<std::string>());
        if (content.is_array())
            for (const Json& part : content) take_part(part);
        const Json& calls = member(delta, "tool_calls");
        if (calls.is_array())
            for (const Json& call : calls) take_call(call);
    }

    // {"type":"text"} or {"type":"thinking","thinking":[{"type":"text"}]}.
    void take_part(const Json& part) {
        if (text_member(part, "type") == "text") return say(text_member(part, "text"));
        const Json& thoughts = member(part, "thinking");
        if (thoughts.is_array())
            for (const Json& thought : thoughts) think(text_member(thought, "text"));
    }

    void say(const std::string& text) {
        if (text.empty()) return;
        if (text_ == none) {
            if (!has_room()) return;
            text_ = add_text();
        }
        append_text(text_, text);
    }

    void think(const std::string& text) {
        if (text.empty()) return;
        if (thinking_ == none) {
            if (!has_room()) return;
            thinking_ = add_thinking();
        }
        append_thinking(thinking_, text);
    }

    // Some servers give every call the place of the first: a name under another id is one more.
    bool is_another(size_t known, const std::string& id, const std::string& name) {
        const std::string_view known_id = text_view(block(known), "id");
        return !id.empty() && !name.empty() && !known_id.empty() && known_id != id;
    }

    void take_call(const Json& call) {
        const int64_t index = int_member(call, "index", 0);
        const Json& function = member(call, "function");
        const std::string id = text_member(call, "id");
        const std::string name = text_member(function, "name");
        auto found = calls_.find(index);
        if (found == calls_.end() || is_another(found->second, id, name)) {
            if (!has_room()) return;
            found = calls_.insert_or_assign(index, add_tool_call(id, name)).first;
        }
        append_arguments(found->second, text_member(function, "arguments"));
    }

    void finish(const std::string& reason) {
        if (reason == "content_filter")
            return fail({ModelFailure::Reason::format, 0, "the provider withheld the answer", {}});
        if (reason == "error")
            return fail({ModelFailure::Reason::provider, 0, "the answer ended with an error", {}});
        has_finished_ = true;
        if (reason == "length") stop_reason_ = "length";
        if (reason == "tool_calls" || reason == "function_call") stop_reason_ = "toolUse";
    }

    // completion_tokens already contains the reasoning tokens, prompt_tokens the cached ones and
    // those that OpenRouter says were put into the cache.
    void take_usage(const Json& usage) {
        if (!usage.is_object()) return;
        const int64_t input = token_count(usage, "prompt_tokens");
        const Json& details = member(usage, "prompt_tokens_details");
        counts_.cache_read = std::min(token_count(details, "cached_tokens"), input);
        counts_.cache_write =
            std::min(token_count(details, "cache_write_tokens"), input - counts_.cache_read);
        counts_.input = input - counts_.cache_read - counts_.cache_write;
        counts_.output = token_count(usage, "completion_tokens");
    }

    size_t text_ = none;
    size_t thinking_ = none;
    std::map<int64_t, size_t> calls_;
    bool has_finished_ = false;
};

}  // namespace

WireRequest encode(const Model& model, const Prompt& prompt, const std::string& key) {
    const Compatibility& can = model.compatibility;
    Json body = {{"model", model.name.model},
                 {"stream", true},
                 {"stream_options", {{"include_usage", true}}}};
    if (can.store) body["store"] = false;
    // Left out unless the owner set it: servers reject what does not fit beside the prompt.
    if (const int64_t longest = longest_answer(model))
        body[can.max_completion_tokens ? "max_completion_tokens" : "max_tokens"] = longest;
    if (model.temperature) body["temperature"] = *model.temperature;
    if (!prompt.tools.empty()) body["tools"] = wire_tools(prompt.tools);
    const std::string effort = reasoning_effort(model, prompt.thinking);
    if (!effort.empty() && can.reasoning_effort) body["reasoning_effort"] = effort;
    std::vector<std::string> headers = {"content-type: application/json",
                                        "accept: text/event-stream"};
    if (!key.empty()) headers.push_back("authorization: Bearer " + key);
    return {model.base_url + "/chat/completions", std::move(headers),
            with_list(print_json(body), "messages", wire_messages(model, prompt))};
}

std::unique_ptr<Interpreter> make_interpreter(const Model& model) {
    return std::make_unique<Reader>(model);
}

}  // namespace agent::chat_completions
