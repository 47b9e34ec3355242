#include "workers/cli/commands/config.h"

#include "workers/cli/control_client.h"
#include "workers/cli/output.h"
#include "workers/cli/plan_query.h"
#include "workers/common/base/json.h"

namespace cli {

namespace {

using hardshell::proto::ConfigAnswer;

// A planner has 10 s, and may have to wait for others.
constexpr std::chrono::milliseconds config_patience{30'000};

struct Answer {
    Json payload;
    bool by_running_gateway = false;
};

Result<ConfigAnswer> ask_supervisor(ControlClient& client, const std::string& method,
                                    const std::string& params) {
    ConfigAnswer answer;
    bool answered = false;
    Done asked = client.ask("config", {method, params}, config_patience,
                            [&](const ControlClient::Reply& reply) {
                                answered = reply.has_config();
                                if (answered) answer = reply.config();
                                return true;
                            });
    if (!asked) return asked.error();
    if (!answered)
        return Error{Fault::bad_message,
                     "the supervisor answered something else; is it of "
                     "another version?"};
    return answer;
}

Result<Answer> ask(const Context& context, const std::string& method, const Json& params) {
    Result<ControlClient> client = ControlClient::connect(context);
    if (!client && client.error().fault != Fault::unreachable) return client.error();
    const Result<ConfigAnswer> answer =
        client ? ask_supervisor(*client, method, print_json(params))
               : ask_planner_about_config(context, method, print_json(params));
    if (!answer) return answer.error();
    if (!answer->error_code().empty()) return Error{Fault::bad_config, answer->error_message()};
    Result<Json> payload = parse_json(answer->payload_json());
    if (!payload) return payload.error();
    return Answer{std::move(*payload), client.has_value()};
}

std::string pretty(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// What a change does to a gateway that runs.
std::string consequence(const Answer& answer) {
    if (!answer.by_running_gateway) return "";
    if (text_member(answer.payload, "reloadMode") == "off")
        return "; gateway.reload.mode is off: `hardshell reload` applies it";
    return "; the running gateway takes it over";
}

int say_changed(const Context& context, const Result<Answer>& answer, const char* what) {
    if (!answer) return fail(answer.error());
    const std::string& path = context.arguments.operands().front();
    if (!bool_member(answer->payload, "changed")) {
        print(path + " is so already in " + text_member(answer->payload, "path") + "\n");
        return 0;
    }
    print(path + what + text_member(answer->payload, "path") + consequence(*answer) + "\n");
    return 0;
}

// The problems of a validation as lines; empty when the file can be used.
std::string problems_in(const Json& payload) {
    std::string text;
    for (const Json& line : member(payload, "errors"))
        text += printable(line.get<std::string>()) + "\n";
    return text;
}

}  // namespace

Result<std::string> change_value(const Context& context, const std::string& method,
                                 const Json& params) {
    const Result<Answer> answer = ask(context, method, params);
    if (!answer) return answer.error();
    return consequence(*answer);
}

int run_config_get(const Context& context) {
    const Result<Answer> answer = ask(context, "value.get",
                                      {{"path", context.arguments.operands().front()},
                                       {"showSecrets", context.arguments.has("show-secrets")}});
    if (!answer) return fail(answer.error());
    const Json& value = member(answer->payload, "value");
    const bool plain = value.is_string() && !context.arguments.has("json");
    print(plain ? value.get<std::string>() + "\n" : pretty(value));
    return 0;
}

int run_config_set(const Context& context) {
    const std::vector<std::string>& operands = context.arguments.operands();
    return say_changed(context,
                       ask(context, "value.set",
                           {{"path", operands[0]},
                            {"value", operands[1]},
                            {"json", context.arguments.has("json")}}),
                       " is set in ");
}

int run_config_unset(const Context& context) {
    return say_changed(
        context, ask(context, "value.unset", {{"path", context.arguments.operands().front()}}),
        " is removed from ");
}

int run_config_validate(const Context& context) {
    const bool json = context.arguments.has("json");
    const Result<Answer> answer = ask(context, "validate", Json::object());
    if (!answer) return fail(answer.error());
    const Json& payload = answer->payload;
    const bool valid = bool_member(payload, "valid");
    if (json) {
        print(pretty({{"valid", valid},
                      {"path", member(payload, "path")},
                      {"issues", member(payload, "issues")},
                      {"warnings", member(payload, "warnings")}}));
        return valid ? 0 : 1;
    }
    std::string text = problems_in(payload);
    for (const Json& line : member(payload, "warnings"))
        text += "warning: " + printable(line.get<std::string>()) + "\n";
    if (valid)
        text += text_member(payload, "path") + (bool_member(payload, "exists")
                                                    ? " can be used\n"
                                                    : " does not exist; none is needed\n");
    print(text);
    return valid ? 0 : 1;
}

int run_config_file(const Context& context) {
    return print(context.config_path + "\n") ? 0 : 1;
}

int run_reload(const Context& context) {
    const Result<Answer> answer = ask(context, "validate", Json::object());
    if (Done told = tell(context, "reload"); !told) return fail(told.error());
    if (!answer) return fail(answer.error());
    if (const std::string problems = problems_in(answer->payload); !problems.empty()) {
        print(problems);
        return fail({Fault::bad_config,
                     "the configuration cannot be used; what runs goes on with "
                     "the one it has"});
    }
    print("the gateway reads " + text_member(answer->payload, "path") +
          " again and restarts the workers that it concerns; see `hardshell status`\n");
    return 0;
}

}  // namespace cli
