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

// Its id is the message's, with its own beginning and place.
Json ResponsesFormat::call_item(const TurnCall& call, size_t place, const char* status) const {
    const bool is_begun = std::string_view(status) == "in_progress";
    return Json{{"type", "function_call"},
                {"id", "fc_" + names_.message.substr(names_.message.find('_') + 1) + "_" +
                           std::to_string(place)},
                {"call_id", call.id},
                {"name", call.name},
                {"arguments", is_begun ? std::string() : call.arguments},
                {"status", status}};
}

Json ResponsesFormat::response(const char* status) const {
    Json made{{"id", names_.response},
              {"object", "response"},
              {"created_at", created_s_},
              {"status", status},
              {"model", echo_.model},
              {"output", Json::array()},
              {"error", nullptr},
              {"incomplete_details", nullptr},
              {"instructions", nullptr},
              {"metadata", Json::object()},
              {"parallel_tool_calls", true},
              {"previous_response_id", nullptr},
              {"temperature", nullptr},
              {"tool_choice", echo_.tool_choice.is_null() ? Json("auto") : echo_.tool_choice},
              {"tools", echo_.tools.is_array() ? echo_.tools : Json::array()},
              {"top_p", nullptr},
              {"usage", nullptr}};
    if (!echo_.instructions.empty()) made["instructions"] = echo_.instructions;
    if (!echo_.previous.empty()) made["previous_response_id"] = echo_.previous;
    return made;
}

// A call of the client's leaves the answer incomplete, as OpenClaw has it.
Json ResponsesFormat::finished(const TurnEnd& end, Json output) const {
    if (!end.has_answer()) {
        Json failed = response("failed");
        failed["error"] = {{"code", "server_error"}, {"message", end.why}};
        return failed;
    }
    const bool cut = end.how == TurnEnd::How::cut_short;
    Json made = response(cut || !end.calls.empty() ? "incomplete" : "completed");
    made["output"] = std::move(output);
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

std::string ResponsesFormat::call_events(const TurnCall& call, size_t place) {
    const Json item = call_item(call, place, "completed");
    const Json about{{"item_id", item["id"]}, {"output_index", place}};
    const auto with = [&](Json members) {
        members.update(about);
        return members;
    };
    std::string text =
        event("response.output_item.added",
              {{"output_index", place}, {"item", call_item(call, place, "in_progress")}});
    text += event("response.function_call_arguments.delta", with({{"delta", call.arguments}}));
    text += event("response.function_call_arguments.done",
                  with({{"arguments", call.arguments}, {"name", call.name}}));
    return text + event("response.output_item.done", {{"output_index", place}, {"item", item}});
}

// What clients wait for at the end of a stream with calls is response.completed.
std::string ResponsesFormat::closing(const TurnEnd& end, const std::string& streamed) {
    if (!end.has_answer())
        return event("response.failed", {{"response", finished(end, {})}}) + sse_event("[DONE]");
    const char* const status = end.how == TurnEnd::How::cut_short ? "incomplete" : "completed";
    const Json message = item(status, streamed);
    std::string text =
        part_event("response.output_text.done", {{"text", streamed}, {"logprobs", Json::array()}});
    text += part_event("response.content_part.done", {{"part", part(streamed)}});
    text += event("response.output_item.done", {{"output_index", 0}, {"item", message}});
    Json output = Json::array({message});
    for (const TurnCall& call : end.calls) {
        text += call_events(call, output.size());
        output.push_back(call_item(call, output.size(), "completed"));
    }
    text += event((std::string("response.") + status).c_str(),
                  {{"response", finished(end, std::move(output))}});
    return text + sse_event("[DONE]");
}

HttpAnswer ResponsesFormat::whole(const TurnEnd& end) {
    if (!end.has_answer()) {
        const HttpFault fault = http_fault(end.how);
        return openai_failure(fault.status, fault.type, end.why,
                              fault.status == 503 ? "\r\nRetry-After: 2" : "");
    }
    Json output = Json::array();
    const char* const status = end.how == TurnEnd::How::cut_short ? "incomplete" : "completed";
    if (end.calls.empty() || !end.text.empty()) output.push_back(item(status, end.text));
    for (const TurnCall& call : end.calls)
        output.push_back(call_item(call, output.size(), "completed"));
    return json_answer(200, finished(end, std::move(output)));
}

}  // namespace gateway
