#include "workers/gateway/tools_invoke.h"

#include "workers/gateway/frames.h"

namespace gateway {

namespace {

HttpAnswer tool_failure(int status, std::string_view type, const std::string& message) {
    return json_answer(
        status, {{"ok", false}, {"error", {{"type", std::string(type)}, {"message", message}}}});
}

}  // namespace

Result<Json> read_tool_request(const Json& body, const HttpAsk& ask) {
    if (!body.is_object()) return Error{Fault::bad_message, "the body must be an object"};
    const std::string tool = text_member(body, "tool");
    if (tool.find_first_not_of(" \t\r\n") == std::string::npos)
        return Error{Fault::bad_message, "tool: must be a text that is not empty"};
    const Json& given = member(body, "args");
    if (!given.is_null() && !given.is_object())
        return Error{Fault::bad_message, "args: must be an object"};
    Json params{{"tool", tool},
                {"args", given.is_object() ? given : Json::object()},
                {"sessionKey", text_member(body, "sessionKey", "main")}};
    if (params["sessionKey"] == "") params["sessionKey"] = "main";
    if (member(body, "action").is_string()) params["action"] = body["action"];
    for (const auto& [header, name] : {std::pair{"x-openclaw-message-channel", "channel"},
                                       std::pair{"x-openclaw-account-id", "accountId"}})
        if (const std::string value = ask.header(header); !value.empty()) params[name] = value;
    return params;
}

HttpAnswer tool_answer(const hardshell::proto::RpcResult& result) {
    if (!result.ok())
        return tool_failure(result.error_code() == code::invalid_request ? 400 : 503, "tool_error",
                            result.error_message());
    const Result<Json> outcome = parse_json(result.payload_json());
    if (!outcome) return tool_failure(500, "tool_error", outcome.error().what);
    if (bool_member(*outcome, "ok"))
        return json_answer(200, {{"ok", true}, {"result", member(*outcome, "result")}});
    const std::string type = text_member(*outcome, "type", "tool_error");
    return tool_failure(type == "not_found" ? 404 : 400, type, text_member(*outcome, "message"));
}

}  // namespace gateway
