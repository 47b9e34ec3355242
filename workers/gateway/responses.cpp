#include "workers/gateway/responses.h"

namespace gateway {

namespace {

Json usage_of_response(const TurnUsage& usage) {
    return Json{{"input_tokens", usage.input},
                {"input_tokens_details", {{"cached_tokens", usage.cached}}},
                {"output_tokens", usage.output},
                {"output_tokens_details", {{"reasoning_tokens", 0}}},
                {"total_tokens", usage.input + usage.output}};
}

}  // namespace

Json ResponsesFormat::part(const std::string& text) {
    return Json{{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}};
}

Json ResponsesFormat::item(const char* status, const std::string& text) const {
    Json content = Json::array();
    if (std::string_view(status) != "in_progress") content.push_back(part(text));
    return Json{{"type", "message"},
                {"id", names_.message},
                {"role", "assistant"},
                {"content", std::move(content)},
                {"status", status}};
}

Json ResponsesFormat::response(const char* status) const {
    Json made{{"id", names_.response},
              {"object", "response"},
              {"created_at", created_s_},
              {"status", status},
              {"model", model_},
              {"output", Json::array()},
              {"error", nullptr},
              {"incomplete_details", nullptr},
              {"instructions", nullptr},
              {"metadata", Json::object()},
              {"parallel_tool_calls", false},
              {"temperature", nullptr},
              {"tool_choice", "auto"},
              {"tools", Json::array()},
              {"top_p", nullptr},
              {"usage", nullptr}};
    if (!instructions_.empty()) made["instructions"] = instructions_;
    return made;
}

Json ResponsesFormat::finished(const TurnEnd& end, const std::string& text) const {
    if (!end.has_answer()) {
        Json failed = response("failed");
        failed["error"] = {{"code", "server_error"}, {"message", end.why}};
        return failed;
    }
    const bool cut = end.how == TurnEnd::How::cut_short;
    Json made = response(cut ? "incomplete" : "completed");
    made["output"].push_back(item(cut ? "incomplete" : "completed", text));
    made["usage"] = usage_of_response(end.usage);
    if (cut) made["incomplete_details"] = {{"reason", "max_output_tokens"}};
    return made;
}

std::string ResponsesFormat::event(const char* type, Json members) {
    Json made{{"type", type}, {"sequence_number", next_number_++}};
    for (auto& [name, value] : members.items()) made[name] = std::move(value);
    return sse_event(print_json(made), type);
}

std::string ResponsesFormat::part_event(const char* type, Json members) {
    Json all{{"item_id", names_.message}, {"output_index", 0}, {"content_index", 0}};
    for (auto& [name, value] : members.items()) all[name] = std::move(value);
    return event(type, std::move(all));
}

// One statement each: the number of an event is given when it is written.
std::string ResponsesFormat::opening() {
    const Json begun = response("in_progress");
    std::string text = event("response.created", {{"response", begun}});
    text += event("response.in_progress", {{"response", begun}});
    text += event("response.output_item.added",
                  {{"output_index", 0}, {"item", item("in_progress", "")}});
    text += part_event("response.content_part.added", {{"part", part("")}});
    return text;
}

std::string ResponsesFormat::piece(std::string_view text) {
    return part_event("response.output_text.delta",
                      {{"delta", std::string(text)}, {"logprobs", Json::array()}});
}

std::string ResponsesFormat::closing(const TurnEnd& end, const std::string& streamed) {
    const Json last = finished(end, streamed);
    if (!end.has_answer())
        return event("response.failed", {{"response", last}}) + sse_event("[DONE]");
    const char* const status = end.how == TurnEnd::How::cut_short ? "incomplete" : "completed";
    std::string text =
        part_event("response.output_text.done", {{"text", streamed}, {"logprobs", Json::array()}});
    text += part_event("response.content_part.done", {{"part", part(streamed)}});
    text +=
        event("response.output_item.done", {{"output_index", 0}, {"item", item(status, streamed)}});
    text += event((std::string("response.") + status).c_str(), {{"response", last}});
    return text + sse_event("[DONE]");
}

HttpAnswer ResponsesFormat::whole(const TurnEnd& end) {
    if (end.has_answer()) return json_answer(200, finished(end, end.text));
    const HttpFault fault = http_fault(end.how);
    return openai_failure(fault.status, fault.type, end.why,
                          fault.status == 503 ? "\r\nRetry-After: 2" : "");
}

}  // namespace gateway
