// Tools that a program calls over HTTP, without a model in between.
//
// Those that only tell something, and that a method does already. What sends, starts or changes
// something is not offered here, whatever the policy says: a secret for reading the state of things
// must not become one for acting through the agent.

#include "workers/agent/front_desk.h"
#include "workers/agent/methods.h"
#include "workers/agent/own_tools.h"
#include "workers/agent/tool_policy.h"

namespace agent {

namespace {

Json failure(const char* type, const std::string& message) {
    return Json{{"ok", false}, {"type", type}, {"message", message}};
}

Json tool_result(const std::string& text, const Json& details) {
    return Json{{"ok", true},
                {"result",
                 {{"content", Json::array({Json{{"type", "text"}, {"text", text}}})},
                  {"details", details}}}};
}

}  // namespace

void Methods::tool(const Json& params, const Reply& reply) {
    const std::string name(trimmed(text_member(params, "tool")));
    const Result<SessionKey> key = stored_session(text_member(params, "sessionKey", "main"));
    if (!key) return reply(answer_for(key.error()));
    const OwnTool* tool = find_own_tool(name);
    const ModelName model = model_of(key->agent);
    const bool allowed =
        tool && tool->over_http &&
        tool_allowed(services_.config.json(), {key->agent, model.provider, model.model, key->key},
                     tool->name);
    if (!allowed)
        return reply(answer_with(failure("not_found", "no tool " + name + " can be used here")));
    const Result<Json> arguments =
        params_for(*tool, member(params, "args"), text_member(params, "sessionKey", "main"));
    if (!arguments) return reply(answer_with(failure("tool_error", arguments.error().what)));
    call(tool->method, print_json(*arguments), [reply](Answer answer) {
        if (!answer.ok) return reply(answer_with(failure("tool_error", answer.error_message)));
        Result<Json> details = parse_json(answer.payload_json);
        if (!details) return reply(unavailable(details.error().what));
        const std::string text = shown_text(answer.payload_json, *details);
        reply(answer_with(tool_result(text, *details)));
    });
}

void Methods::session_status(const Json& params, const Reply& reply) {
    const Result<SessionKey> key = known_session(text_member(params, "sessionKey"));
    if (!key) return reply(answer_for(key.error()));
    const Result<std::string> text = services_.desk.status_of(*key, "webchat");
    if (!text) return reply(answer_for(text.error()));
    reply(answer_with({{"ok", true}, {"sessionKey", key->key}, {"statusText", *text}}));
}

void Methods::fetch(const Json& params, const Reply& reply) {
    const bool begun = fetches_.start(params, [reply](const Result<Json>& medium) {
        if (medium) return reply(answer_with(*medium));
        Answer answer = answer_for(medium.error());
        answer.payload_json = print_json(Json{{"fault", fault_name(medium.error().fault)}});
        reply(std::move(answer));
    });
    if (!begun) reply(unavailable("the process that fetches addresses is not there at the moment"));
}

}  // namespace agent
