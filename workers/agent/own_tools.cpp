#include "workers/agent/own_tools.h"

#include <algorithm>

#include "workers/agent/ids.h"
#include "workers/agent/message_tool.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr ToolArgument list_arguments[] = {{"limit", "limit"}, {"activeMinutes", "activeMinutes"}};
constexpr ToolArgument history_arguments[] = {{"limit", "limit"}};

constexpr const char* list_schema = R"({"type":"object","properties":{
"limit":{"type":"integer","description":"At most so many"},
"activeMinutes":{"type":"integer","description":"Only those used within so many minutes"}}})";
constexpr const char* history_schema = R"({"type":"object","properties":{
"sessionKey":{"type":"string"},"limit":{"type":"integer","description":"The last so many messages"}},
"required":["sessionKey"]})";
constexpr const char* status_schema =
    R"({"type":"object","properties":{"sessionKey":{"type":"string"}}})";
constexpr const char* no_arguments = R"({"type":"object","properties":{}})";
constexpr const char* send_schema = R"({"type":"object","properties":{
"sessionKey":{"type":"string"},"message":{"type":"string"},
"timeoutSeconds":{"type":"integer","description":"How long to wait for the answer; 0: do not wait"}},
"required":["sessionKey","message"]})";
constexpr const char* spawn_schema = R"({"type":"object","properties":{
"task":{"type":"string"},"label":{"type":"string"},"agentId":{"type":"string"},
"thinking":{"type":"string"},"runTimeoutSeconds":{"type":"integer"}},"required":["task"]})";
constexpr const char* cron_schema = R"({"type":"object","properties":{
"action":{"type":"string","enum":["status","list","add","update","remove","run","runs","wake"]},
"job":{"type":"object","description":"For add: {name, schedule: {kind: at, atMs} or {kind: every, everyMs} or {kind: cron, expr, tz}, sessionTarget: main or isolated, wakeMode, payload: {kind: systemEvent, text} or {kind: agentTurn, message}}"},
"jobId":{"type":"string"},"patch":{"type":"object"},
"text":{"type":"string","description":"For wake"},
"mode":{"type":"string","enum":["now","next-heartbeat"]}},"required":["action"]})";

constexpr const char* voice_schema = R"({"type":"object","properties":{
"action":{"type":"string","enum":["initiate_call","continue_call","speak_to_user","end_call","get_status"]},
"to":{"type":"string","description":"For initiate_call: the number, like +15550001234"},
"message":{"type":"string","description":"What is said"},
"mode":{"type":"string","enum":["notify","conversation","call","status"],"description":"notify: say the message and hang up"},
"callId":{"type":"string"},"sid":{"type":"string"}}})";
constexpr ToolArgument voice_arguments[] = {
    {"action", "action"}, {"to", "to"},         {"message", "message"},
    {"mode", "mode"},     {"callId", "callId"}, {"sid", "sid"},
};

constexpr OwnTool rows[] = {
    // name, description, parameters, method, arguments, session, over_http
    {"sessions_list", "List the conversations there are, newest first.", list_schema,
     "sessions.list", list_arguments, nullptr, true},
    {"sessions_history", "Read the last messages of a conversation.", history_schema,
     "chat.history", history_arguments, "sessionKey", true},
    {"sessions_send",
     "Send a message to another conversation and wait for its answer.",
     send_schema,
     nullptr,
     {},
     nullptr,
     false},
    {"sessions_spawn",
     "Start a task in a conversation of its own, in the background. Its result is told to you when "
     "it has ended.",
     spawn_schema,
     nullptr,
     {},
     nullptr,
     false},
    {"session_status",
     "Show model, tokens and settings of a conversation.",
     status_schema,
     "internal.session-status",
     {},
     "sessionKey",
     true},
    {"agents_list",
     "List the agents that are configured.",
     no_arguments,
     "agents.list",
     {},
     nullptr,
     true},
    {"message",
     "Send a message to a person or a chat on a channel, or change, delete or mark one. Your "
     "answer "
     "in this conversation needs no call.",
     nullptr,
     nullptr,
     {},
     nullptr,
     false},
    {"cron",
     "Manage reminders and jobs that run at a time. Times are milliseconds since 1970.",
     cron_schema,
     nullptr,
     {},
     nullptr,
     false},
    {"voice_call",
     "Make telephone calls: call a number, say something and hear the answer, hang up.",
     voice_schema, "internal.voice-tool", voice_arguments, nullptr, false, true},
};

struct CronAction {
    std::string_view action;
    const char* method;
    const char* whole;  // the argument that is all of the parameters; null: those below
    std::span<const ToolArgument> arguments;
};
constexpr ToolArgument id_argument[] = {{"jobId", "jobId"}};
constexpr ToolArgument update_arguments[] = {{"jobId", "jobId"}, {"patch", "patch"}};
constexpr ToolArgument wake_arguments[] = {{"text", "text"}, {"mode", "mode"}};
constexpr CronAction cron_actions[] = {
    {"status", "cron.status", nullptr, {}},
    {"list", "cron.list", nullptr, {}},
    {"add", "cron.add", "job", {}},
    {"update", "cron.update", nullptr, update_arguments},
    {"remove", "cron.remove", nullptr, id_argument},
    {"run", "cron.run", nullptr, id_argument},
    {"runs", "cron.runs", nullptr, id_argument},
    {"wake", "wake", nullptr, wake_arguments},
};

constexpr int64_t send_default_seconds = 30;
constexpr int64_t longest_send_seconds = 600;
constexpr size_t longest_announcement = 20'000;

// Hears no more once it is destroyed.
class OwnCall final : public ToolCall {
  public:
    explicit OwnCall(std::shared_ptr<bool> wanted) : wanted_(std::move(wanted)) {}
    ~OwnCall() override { *wanted_ = false; }

  private:
    std::shared_ptr<bool> wanted_;
};

std::string texts_of(const Json& payload) {
    std::string text;
    for (const Json& part : member_at(payload, "result.payloads"))
        text += (text.empty() ? "" : "\n") + text_member(part, "text");
    return text;
}

Json picked(const Json& arguments, std::span<const ToolArgument> wanted) {
    Json params = Json::object();
    for (const ToolArgument& row : wanted)
        if (const Json& value = member(arguments, row.name); !value.is_null())
            params[row.parameter] = value;
    return params;
}

}  // namespace

std::span<const OwnTool> own_tools() {
    return rows;
}

const OwnTool* find_own_tool(std::string_view name) {
    for (const OwnTool& tool : rows)
        if (tool.name == name) return &tool;
    return nullptr;
}

Result<Json> params_for(const OwnTool& tool, const Json& arguments,
                        const std::string& own_session) {
    Json params = Json::object();
    if (tool.session) params[tool.session] = own_session;
    for (const auto& argument : arguments.items()) {
        const std::string& name = argument.key();
        const Json& value = argument.value();
        if (tool.session && name == "sessionKey") {
            params[tool.session] = value;
            continue;
        }
        const auto row =
            std::find_if(tool.arguments.begin(), tool.arguments.end(),
                         [&](const ToolArgument& known) { return known.name == name; });
        if (row == tool.arguments.end())
            return Error{Fault::bad_message,
                         std::string(tool.name) + ": the argument " + name + " is not taken here"};
        params[row->parameter] = value;
    }
    return params;
}

std::string shown_text(const std::string& payload_json, const Json& payload) {
    return text_member(payload, "statusText", payload_json);
}

std::unique_ptr<ToolCall> ended_tool(Loop& loop, ToolOutcome outcome, ToolListener& listener) {
    auto wanted = std::make_shared<bool>(true);
    loop.soon([wanted, outcome = std::move(outcome), &listener] {
        if (*wanted) listener.tool_ended(outcome);
    });
    return std::make_unique<OwnCall>(wanted);
}

bool OwnTools::offers(const OwnTool& tool) const {
    return tool.name != "message" || (messages_ && messages_->is_offered());
}

std::unique_ptr<ToolCall> OwnTools::start(const OwnTool& tool, const ToolOrder& order,
                                          ToolListener& listener) {
    auto wanted = std::make_shared<bool>(true);
    const Ended ended = [wanted, &listener](ToolOutcome outcome) {
        if (*wanted) listener.tool_ended(std::move(outcome));
    };
    loop_.soon([this, alive = alive_, wanted, &tool, order, ended] {
        if (*alive && *wanted) run(tool, order, ended);
    });
    return std::make_unique<OwnCall>(wanted);
}

void OwnTools::run(const OwnTool& tool, const ToolOrder& order, const Ended& ended) {
    if (!methods_) return ended(tool_error("the agent is not serving at the moment"));
    if (tool.name == "message")
        return messages_ ? messages_->run(order, ended)
                         : ended(tool_error("no channel is running here"));
    if (tool.name == "cron") return cron(order, ended);
    if (tool.name == "sessions_send") return send(order, ended);
    if (tool.name == "sessions_spawn") return spawn(order, ended);
    const Result<Json> params = params_for(tool, order.arguments, order.caller.session_key);
    if (!params) return ended(tool_error(params.error().what));
    call(tool.method, *params, ended);
}

void OwnTools::call(const char* method, const Json& params, const Ended& ended) {
    methods_->call(method, print_json(params), [ended](Answer answer) {
        if (answer.more) return;
        if (!answer.ok) return ended(tool_error(answer.error_message));
        const Result<Json> payload = parse_json(answer.payload_json);
        if (!payload) return ended(tool_error(payload.error().what));
        ToolOutcome outcome = tool_text(shown_text(answer.payload_json, *payload));
        outcome.details = *payload;
        ended(std::move(outcome));
    });
}

void OwnTools::cron(const ToolOrder& order, const Ended& ended) {
    const std::string action = text_member(order.arguments, "action");
    for (const CronAction& row : cron_actions) {
        if (row.action != action) continue;
        Json params =
            row.whole ? member(order.arguments, row.whole) : picked(order.arguments, row.arguments);
        if (!params.is_object())
            return ended(tool_error("cron " + action + ": " + row.whole + " is missing"));
        if (action == "wake" && !params.contains("mode")) params["mode"] = "now";
        return call(row.method, params, ended);
    }
    ended(tool_error("cron: there is no action " + action));
}

void OwnTools::send(const ToolOrder& order, const Ended& ended) {
    const int64_t seconds =
        std::clamp<int64_t>(int_member(order.arguments, "timeoutSeconds", send_default_seconds), 0,
                            longest_send_seconds);
    const std::string target = text_member(order.arguments, "sessionKey");
    const Result<SessionKey> key = canonical_key(target, {order.caller.agent, false});
    if (!key) return ended(tool_error(key.error().what));
    if (key->key == order.caller.session_key)
        return ended(tool_error("sessions_send: that is this conversation itself"));
    const std::string run_id = new_session_id();
    const Json params{{"message", text_member(order.arguments, "message")},
                      {"sessionKey", target},
                      {"idempotencyKey", run_id}};
    // Answered once: in time, or by the timer.
    const auto timer = std::make_shared<Loop::Registration>();
    const auto open = std::make_shared<bool>(true);
    const auto answer_once = [open, ended](ToolOutcome outcome) {
        if (std::exchange(*open, false)) ended(std::move(outcome));
    };
    methods_->call("agent", print_json(params), [answer_once, timer](Answer answer) {
        if (answer.more) return;
        timer->reset();
        if (!answer.ok) return answer_once(tool_error(answer.error_message));
        const Result<Json> payload = parse_json(answer.payload_json);
        ToolOutcome outcome = tool_text(payload ? texts_of(*payload) : answer.payload_json);
        answer_once(std::move(outcome));
    });
    if (*open)
        *timer = loop_.after(std::chrono::seconds(seconds), [answer_once, run_id] {
            answer_once(tool_text("The message was accepted (run " + run_id +
                                  "); there is no answer yet."));
        });
}

void OwnTools::spawn(const ToolOrder& order, const Ended& ended) {
    const std::string agent =
        normal_agent_id(text_member(order.arguments, "agentId", order.caller.agent));
    const std::string child = "agent:" + agent + ":subagent:" + new_session_id();
    const std::string label = text_member(order.arguments, "label", "task");
    Json params{{"message", text_member(order.arguments, "task")},
                {"sessionKey", child},
                {"idempotencyKey", new_session_id()},
                {"label", label.substr(0, 64)},
                {"spawnedBy", order.caller.session_key}};
    if (const std::string level = text_member(order.arguments, "thinking"); !level.empty())
        params["thinking"] = level;
    if (const int64_t seconds = int_member(order.arguments, "runTimeoutSeconds"); seconds > 0)
        params["timeout"] = seconds;
    const std::string parent = order.caller.session_key;
    const auto accepted = std::make_shared<bool>(false);
    methods_->call(
        "agent", print_json(params),
        [this, alive = alive_, accepted, ended, child, label, parent](const Answer& answer) {
            if (*accepted) {
                if (*alive && methods_) announce(parent, label, answer);
                return;
            }
            if (!answer.ok) return ended(tool_error(answer.error_message));
            *accepted = true;
            ToolOutcome outcome = tool_text("Accepted; it runs as " + child + ".");
            outcome.details = Json{{"status", "accepted"}, {"childSessionKey", child}};
            ended(std::move(outcome));
        });
}

// A turn of the conversation that asked: it decides what its user is told.
void OwnTools::announce(const std::string& parent, const std::string& label, const Answer& answer) {
    const Result<Json> payload = parse_json(answer.payload_json);
    std::string text = answer.ok ? texts_of(payload ? *payload : Json()) : answer.error_message;
    if (text.size() > longest_announcement) text.resize(longest_announcement);
    const Json params{
        {"message", "[The background task \"" + label + "\" has " +
                        (answer.ok ? "ended. Its result:]\n\n" : "failed:]\n\n") + text},
        {"sessionKey", parent},
        {"idempotencyKey", new_session_id()}};
    methods_->call("agent", print_json(params), [label](Answer told) {
        if (!told.ok && !told.more)
            log_warn("the result of the background task {} was not told: {}", label,
                     told.error_message);
    });
}

}  // namespace agent
