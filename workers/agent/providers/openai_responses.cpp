#include "workers/agent/providers/openai_responses.h"

#include <algorithm>
#include <map>

#include "workers/agent/providers/conversation.h"

namespace agent::openai_responses {

namespace {

Json user_item(const Blocks& blocks) {
    Json content = Json::array();
    for (const Json* each : blocks) {
        const Json& block = *each;
        if (text_member(block, "type") == "image")
            content.push_back({{"type", "input_image"},
                               {"detail", "auto"},
                               {"image_url", image_data_url(block)}});
        else if (text_view(block, "type") == "document")
            content.push_back({{"type", "input_file"},
                               {"filename", document_name(block)},
                               {"file_data", image_data_url(block)}});
        else
            content.push_back({{"type", "input_text"}, {"text", text_member(block, "text")}});
    }
    return {{"role", "user"}, {"content", std::move(content)}};
}

// The reasoning item that was stored with the block, if the service can read it again: it keeps
// nothing for us, so only the encrypted content tells it what it thought.
Json reasoning_item(const Json& block) {
    Result<Json> item = parse_json(text_member(block, "thinkingSignature"));
    if (!item || text_member(*item, "type") != "reasoning") return nullptr;
    if (text_member(*item, "encrypted_content").empty()) return nullptr;
    return std::move(*item);
}

Json assistant_text_item(const Json& block, bool with_id) {
    Json item = {{"type", "message"},
                 {"role", "assistant"},
                 {"content", Json::array({{{"type", "output_text"},
                                           {"text", text_member(block, "text")},
                                           {"annotations", Json::array()}}})},
                 {"status", "completed"}};
    const std::string id = text_member(block, "textSignature");
    if (with_id && id.starts_with("msg_") && id.size() <= 64) item["id"] = id;
    return item;
}

Json call_item(const Json& block, bool with_id) {
    const std::string id = text_member(block, "id");
    const Json& arguments = member(block, "arguments");
    Json item = {{"type", "function_call"},
                 {"call_id", safe_call_id(id)},
                 {"name", text_member(block, "name")},
                 {"arguments", print_json(arguments.is_object() ? arguments : Json::object())}};
    const size_t bar = id.find('|');
    if (with_id && bar != std::string::npos && id.compare(bar + 1, 3, "fc_") == 0)
        item["id"] = id.substr(bar + 1);
    return item;
}

// The service pairs an item's id with the reasoning before it: ids go back only together with it.
void add_assistant(Printed& input, const Blocks& blocks) {
    bool with_ids = false;
    for (const Json* each : blocks) {
        const Json& block = *each;
        const std::string type = text_member(block, "type");
        if (type == "thinking") {
            Json item = reasoning_item(block);
            if (item.is_null()) continue;
            input.add(item);
            with_ids = true;
        } else if (type == "text") {
            input.add(assistant_text_item(block, with_ids));
        } else if (type == "toolCall") {
            input.add(call_item(block, with_ids));
        }
    }
}

void add_results(Printed& input, const Blocks& blocks) {
    Blocks images;
    for (const Json* block : blocks) {
        const Blocks content = blocks_of(member(*block, "content"));
        const std::string text = joined_text(content);
        input.add({{"type", "function_call_output"},
                   {"call_id", safe_call_id(text_member(*block, "toolCallId"))},
                   {"output", text.empty() ? "(see the image below)" : text}});
        for (const Json* part : content)
            if (text_member(*part, "type") == "image") images.push_back(part);
    }
    if (!images.empty()) input.add(user_item(images));
}

std::string wire_turn(const Turn& turn) {
    Printed input;
    if (turn.role == Turn::Role::user)
        input.add(user_item(turn.blocks));
    else if (turn.role == Turn::Role::assistant)
        add_assistant(input, turn.blocks);
    else
        add_results(input, turn.blocks);
    return std::move(input).elements();
}

std::string wire_input(const Model& model, const Prompt& prompt) {
    Printed input;
    if (!prompt.system.empty())
        input.add({{"role", model.reasoning ? "developer" : "system"}, {"content", prompt.system}});
    const Turns turns = normalised(prompt.messages, model);
    input.expect(prompt.system.size() + printed_size(turns));
    const auto add = [&input](const std::string& items) { input.add_all(items); };
    for (const Turn& turn : turns.list) print_once(turn, Api::openai_responses, wire_turn, add);
    return std::move(input).list();
}

Json wire_tools(const Json& tools) {
    Json list = Json::array();
    for (const Json& tool : tools)
        list.push_back({{"type", "function"},
                        {"name", text_member(tool, "name")},
                        {"description", text_member(tool, "description")},
                        {"parameters", member(tool, "parameters")},
                        {"strict", nullptr}});
    return list;
}

class Reader final : public Interpreter {
  public:
    using Interpreter::Interpreter;

  protected:
    void take_event(const std::string& type, const Json& data) override {
        if (type == "response.output_text.delta" || type == "response.refusal.delta")
            return take_text(data);
        if (type == "response.reasoning_summary_text.delta" ||
            type == "response.reasoning_text.delta")
            return take_thinking(data);
        if (type == "response.function_call_arguments.delta") return take_arguments(data);
        if (type == "response.reasoning_summary_part.added") return separate_summary(data);
        if (type == "response.output_item.added") return add_item(data);
        if (type == "response.output_item.done") return finish_item(data);
        if (type == "response.completed") return finish(member(data, "response"));
        if (type == "response.incomplete") return finish_incomplete(member(data, "response"));
        if (type == "response.failed") return take_failure(member(data, "response"));
        if (type == "error") return take_error(data);
    }

  private:
    static constexpr size_t none = static_cast<size_t>(-1);

    // The block of an item's place in the output, or `none` when it is of another kind.
    size_t find(const Json& data, std::string_view kind) {
        const auto found = blocks_.find(int_member(data, "output_index", 0));
        if (found == blocks_.end()) return none;
        return text_member(block(found->second), "type") == kind ? found->second : none;
    }

    void add_item(const Json& data) {
        if (!has_room()) return;
        const Json& item = member(data, "item");
        const std::string type = text_member(item, "type");
        const int64_t index = int_member(data, "output_index", 0);
        if (type == "message")
            blocks_[index] = add_text();
        else if (type == "reasoning")
            blocks_[index] = add_thinking();
        else if (type == "function_call")
            blocks_[index] =
                add_tool_call(text_member(item, "call_id") + "|" + text_member(item, "id"),
                              text_member(item, "name"));
    }

    void take_text(const Json& data) {
        if (const size_t at = find(data, "text"); at != none)
            append_text(at, text_member(data, "delta"));
    }

    void take_thinking(const Json& data) {
        if (const size_t at = find(data, "thinking"); at != none)
            append_thinking(at, text_member(data, "delta"));
    }

    void take_arguments(const Json& data) {
        if (const size_t at = find(data, "toolCall"); at != none)
            append_arguments(at, text_member(data, "delta"));
    }

    void separate_summary(const Json& data) {
        const size_t at = find(data, "thinking");
        if (at != none && !text_member(block(at), "thinking").empty()) append_thinking(at, "\n\n");
    }

    void finish_item(const Json& data) {
        if (blocks_.find(int_member(data, "output_index", 0)) == blocks_.end()) add_item(data);
        const Json& item = member(data, "item");
        if (const size_t at = find(data, "text"); at != none) finish_text(at, item);
        if (const size_t at = find(data, "thinking"); at != none)
            block(at)["thinkingSignature"] = print_json(item);
        if (const size_t at = find(data, "toolCall"); at != none)
            if (const std::string whole = text_member(item, "arguments"); !whole.empty())
                arguments(at) = whole;
    }

    // A server may send the whole text only here.
    void finish_text(size_t at, const Json& item) {
        std::string whole;
        for (const Json& part : member(item, "content"))
            whole += text_member(part, "text") + text_member(part, "refusal");
        const std::string known = text_member(block(at), "text");
        if (whole.starts_with(known)) append_text(at, whole.substr(known.size()));
        if (const std::string id = text_member(item, "id"); !id.empty())
            block(at)["textSignature"] = id;
    }

    void finish(const Json& response) {
        take_usage(member(response, "usage"));
        const std::string status = text_member(response, "status", "completed");
        if (status == "incomplete") return finish_incomplete(response);
        if (status == "failed" || status == "cancelled") return take_failure(response);
        complete();
    }

    void finish_incomplete(const Json& response) {
        take_usage(member(response, "usage"));
        const std::string reason =
            text_member(member(response, "incomplete_details"), "reason", "max_output_tokens");
        if (reason == "content_filter")
            return fail({ModelFailure::Reason::format, 0, "the provider withheld the answer", {}});
        stop_reason_ = "length";
        complete();
    }

    void take_failure(const Json& response) {
        const Json& error = member(response, "error");
        fail_with(error.is_object() ? error : Json("the response failed without a reason"));
    }

    // {"type":"error","code","message"}, or the same nested in "error".
    void take_error(const Json& data) {
        const Json& nested = member(data, "error");
        if (nested.is_object()) return fail_with(nested);
        Json error = data;
        error.erase("type");
        fail_with(error);
    }

    void take_usage(const Json& usage) {
        if (!usage.is_object()) return;
        const int64_t input = token_count(usage, "input_tokens");
        counts_.cache_read =
            std::min(token_count(member(usage, "input_tokens_details"), "cached_tokens"), input);
        counts_.input = input - counts_.cache_read;
        counts_.output = token_count(usage, "output_tokens");
    }

    std::map<int64_t, size_t> blocks_;  // by place in the output
};

}  // namespace

WireRequest encode(const Model& model, const Prompt& prompt, const std::string& key) {
    Json body = {{"model", model.name.model}, {"stream", true}, {"store", false}};
    if (!prompt.session_id.empty()) body["prompt_cache_key"] = prompt.session_id;
    if (const int64_t longest = longest_answer(model)) body["max_output_tokens"] = longest;
    if (model.temperature) body["temperature"] = *model.temperature;
    if (!prompt.tools.empty()) body["tools"] = wire_tools(prompt.tools);
    if (model.reasoning) {
        const std::string effort = reasoning_effort(model, prompt.thinking);
        if (!effort.empty()) body["reasoning"] = {{"effort", effort}, {"summary", "auto"}};
        body["include"] = Json::array({"reasoning.encrypted_content"});
    }
    std::vector<std::string> headers = {"content-type: application/json",
                                        "accept: text/event-stream"};
    if (!key.empty()) headers.push_back("authorization: Bearer " + key);
    return {model.base_url + "/responses", std::move(headers),
            with_list(print_json(body), "input", wire_input(model, prompt))};
}

std::unique_ptr<Interpreter> make_interpreter(const Model& model) {
    return std::make_unique<Reader>(model);
}

}  // namespace agent::openai_responses
