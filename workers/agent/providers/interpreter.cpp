#include "workers/agent/providers/interpreter.h"

#include <algorithm>

#include "workers/agent/providers/failures.h"

namespace agent {

namespace {

double cost(int64_t tokens, double dollars_per_million) {
    return static_cast<double>(tokens) * dollars_per_million / 1e6;
}

Json parsed_arguments(const std::string& text) {
    Result<Json> parsed = parse_json(text.empty() ? "{}" : text);
    // Cut off by the length limit, or no JSON: the tool's own check of its arguments will say so.
    return parsed && parsed->is_object() ? std::move(*parsed) : Json::object();
}

}  // namespace

int64_t token_count(const Json& object, std::string_view key) {
    return std::clamp<int64_t>(int_member(object, key), 0, 1'000'000'000'000);
}

void Interpreter::take(const StreamEvent& event, std::vector<Delta>& deltas) {
    if (is_over() || take_plain(event.data)) return;
    const Result<Json> data = parse_json(event.data);
    if (!data || !data->is_object())
        return fail({ModelFailure::Reason::provider, 0, "sent an event that is no JSON object"});
    deltas_ = &deltas;
    take_event(text_member(*data, "type", event.type), *data);
    deltas_ = nullptr;
}

void Interpreter::end_of_stream() {
    if (is_over()) return;
    if (accepts_end()) return complete();
    fail({ModelFailure::Reason::unreachable, 0, "the answer broke off before its end"});
}

void Interpreter::emit(Delta::Kind kind, std::string_view text) {
    if (text.empty() || !deltas_) return;
    if (!deltas_->empty() && deltas_->back().kind == kind)
        deltas_->back().text += text;
    else
        deltas_->push_back({kind, std::string(text)});
}

void Interpreter::fail(ModelFailure failure) {
    if (!is_over()) failure_ = std::move(failure);
}

void Interpreter::fail_with(const Json& error) {
    fail(failure_of_error(0, error));
}

void Interpreter::complete() {
    if (is_over()) return;
    if (blocks_.empty() && counts_.output == 0)
        return fail({ModelFailure::Reason::provider, 0, "answered with nothing"});
    if (has_tool_calls() && stop_reason_ == "stop") stop_reason_ = "toolUse";
    complete_ = true;
}

size_t Interpreter::add_block(Json block, std::string arguments) {
    blocks_.push_back({std::move(block), std::move(arguments)});
    return blocks_.size() - 1;
}

size_t Interpreter::add_text(std::string text) {
    const size_t added = add_block({{"type", "text"}, {"text", ""}});
    append_text(added, text);
    return added;
}

size_t Interpreter::add_thinking() {
    return add_block({{"type", "thinking"}, {"thinking", ""}});
}

size_t Interpreter::add_tool_call(std::string id, std::string name) {
    return add_block({{"type", "toolCall"},
                      {"id", std::move(id)},
                      {"name", std::move(name)},
                      {"arguments", Json::object()}});
}

void Interpreter::append_text(size_t block, std::string_view text) {
    blocks_[block].json["text"].get_ref<std::string&>() += text;
    emit(Delta::Kind::text, text);
}

void Interpreter::append_thinking(size_t block, std::string_view text) {
    blocks_[block].json["thinking"].get_ref<std::string&>() += text;
    emit(Delta::Kind::thinking, text);
}

void Interpreter::append_arguments(size_t block, std::string_view text) {
    blocks_[block].arguments += text;
}

bool Interpreter::has_tool_calls() const {
    return std::any_of(blocks_.begin(), blocks_.end(), [](const Block& block) {
        return text_member(block.json, "type") == "toolCall";
    });
}

Json Interpreter::content() const {
    Json list = Json::array();
    for (const Block& block : blocks_) {
        const std::string type = text_member(block.json, "type");
        if (type == "text" && text_member(block.json, "text").empty()) continue;
        // Thinking without text is kept when it carries what the provider wants back.
        if (type == "thinking" && text_member(block.json, "thinking").empty() &&
            text_member(block.json, "thinkingSignature").empty())
            continue;
        list.push_back(block.json);
        if (type == "toolCall") list.back()["arguments"] = parsed_arguments(block.arguments);
    }
    return list;
}

Json Interpreter::usage() const {
    const Price& price = model_.price;
    const double input = cost(counts_.input, price.input);
    const double output = cost(counts_.output, price.output);
    const double cache_read = cost(counts_.cache_read, price.cache_read);
    const double cache_write = cost(counts_.cache_write, price.cache_write);
    return {
        {"input", counts_.input},
        {"output", counts_.output},
        {"cacheRead", counts_.cache_read},
        {"cacheWrite", counts_.cache_write},
        {"totalTokens", counts_.input + counts_.output + counts_.cache_read + counts_.cache_write},
        {"cost",
         {{"input", input},
          {"output", output},
          {"cacheRead", cache_read},
          {"cacheWrite", cache_write},
          {"total", input + output + cache_read + cache_write}}}};
}

Json Interpreter::message(int64_t now_ms) const {
    return {{"role", "assistant"},         {"content", content()},
            {"api", api_name(model_.api)}, {"provider", model_.name.provider},
            {"model", model_.name.model},  {"usage", usage()},
            {"stopReason", stop_reason_},  {"timestamp", now_ms}};
}

}  // namespace agent
