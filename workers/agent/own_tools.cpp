#include "workers/agent/own_tools.h"

#include <algorithm>

#include "workers/agent/agent_access.h"
#include "workers/agent/channels/run_answer.h"
#include "workers/agent/heartbeat.h"
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
"model":{"type":"string","description":"provider/model or an alias"},
"thinking":{"type":"string"},"runTimeoutSeconds":{"type":"integer"},
"cleanup":{"type":"string","enum":["keep","delete"],"description":"Whether its conversation is deleted once you have the result; keep by default"}},
"required":["task"]})";
constexpr const char* cron_schema = R"({"type":"object","properties":{
"action":{"type":"string","enum":["status","list","add","update","remove","run","runs","wake"]},
"job":{"type":"object","description":"For add: {name, schedule: {kind: at, atMs} or {kind: every, everyMs} or {kind: cron, expr, tz}, sessionTarget: main or isolated, wakeMode, payload: {kind: systemEvent, text} or {kind: agentTurn, message}}"},
"jobId":{"type":"string"},"patch":{"type":"object"},
"includeDisabled":{"type":"boolean","description":"For list: also those that are turned off"},
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

constexpr int64_t send_default_seconds = 30;
constexpr int64_t longest_send_seconds = 600;
constexpr size_t longest_announcement = 20'000;
constexpr const char* announce_note = "announce/";  // and the task's run, until its result is told
constexpr int64_t longest_follow_ms = 24 * 3'600'000LL;

// The same for each process that tells it.
std::string announce_key(const std::string& run_id) {
    return "announce:" + run_id;
}

// Hears no more once it is destroyed.
class OwnCall final : public ToolCall {
  public:
    explicit OwnCall(std::shared_ptr<bool> wanted) : wanted_(std::move(wanted)) {}
    ~OwnCall() override { *wanted_ = false; }

  private:
    std::shared_ptr<bool> wanted_;
};

std::string payload_texts(const Json& payload) {
    std::string text;
    for (const Json& part : member_at(payload, "result.payloads"))
        text += (text.empty() ? "" : "\n") + text_member(part, "text");
    return text;
}

// Of a list of sessions: those that the asking agent may know of.
void leave_reachable(Json& payload, const Json& config, const std::string& asking,
                     const KeyDefaults& keys) {
    const auto list = payload.find("sessions");
    if (list == payload.end() || !list->is_array()) return;
    Json shown = Json::array();
    for (Json& row : *list) {
        const Result<SessionKey> key = canonical_key(text_member(row, "key"), keys);
        if (key && may_reach_agent(config, asking, key->agent)) shown.push_back(std::move(row));
    }
    if (payload.contains("count")) payload["count"] = shown.size();
    *list = std::move(shown);
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
    Result<Json> params = params_for(tool, order.arguments, order.caller.session_key);
    if (!params) return ended(tool_error(params.error().what));
    if (tool.session) {
        const Result<SessionKey> key = reachable(text_member(*params, tool.session), order.caller);
        if (!key) return ended(tool_error(std::string(tool.name) + ": " + key.error().what));
        (*params)[tool.session] = key->key;
    }
    if (tool.name == "sessions_list") return list_sessions(std::move(*params), order, ended);
    call(tool.method, *params, ended);
}

// The session that is meant, as the methods understand it; an error when it is not for the caller.
Result<SessionKey> OwnTools::reachable(const std::string& spelling,
                                       const ToolCaller& caller) const {
    if (spelling == caller.session_key) return SessionKey{caller.agent, spelling};
    const KeyDefaults keys = methods_->config().keys();
    const Result<SessionKey> own = canonical_key(spelling, {caller.agent, keys.global});
    if (!own) return own;
    Result<SessionKey> key = canonical_key(own->key, keys);
    if (!key) return key;
    const std::string refusal = reach_refusal(methods_->config().json(), caller.agent, key->agent);
    return refusal.empty() ? key : Error{Fault::bad_message, refusal};
}

void OwnTools::list_sessions(Json params, const ToolOrder& order, const Ended& ended) {
    const AgentConfig& config = methods_->config();
    if (config.agents().size() < 2) return call("sessions.list", params, ended);
    const std::string& asking = order.caller.agent;
    // Else the most recent ones could all be others'.
    if (!bool_member(member_at(config.json(), "tools.agentToAgent"), "enabled"))
        params["agentId"] = asking;
    call("sessions.list", params, [this, alive = alive_, asking, ended](ToolOutcome outcome) {
        if (!*alive || !methods_) return ended(tool_error("the agent is not serving any more"));
        if (!outcome.is_error) {
            Json payload = std::move(outcome.details);
            leave_reachable(payload, methods_->config().json(), asking, methods_->config().keys());
            outcome = tool_text(print_json(payload));
            outcome.details = std::move(payload);
        }
        ended(std::move(outcome));
    });
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

void OwnTools::send(const ToolOrder& order, const Ended& ended) {
    const int64_t seconds =
        std::clamp<int64_t>(int_member(order.arguments, "timeoutSeconds", send_default_seconds), 0,
                            longest_send_seconds);
    const Result<SessionKey> key =
        reachable(text_member(order.arguments, "sessionKey"), order.caller);
    if (!key) return ended(tool_error("sessions_send: " + key.error().what));
    if (key->key == order.caller.session_key)
        return ended(tool_error("sessions_send: that is this conversation itself"));
    const std::string run_id = new_session_id();
    const Json params{{"message", text_member(order.arguments, "message")},
                      {"sessionKey", key->key},
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
        ToolOutcome outcome = tool_text(payload ? payload_texts(*payload) : answer.payload_json);
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
    const std::string refusal = spawn_refusal(methods_->config().json(), order.caller.agent, agent);
    if (!refusal.empty()) return ended(tool_error("sessions_spawn: " + refusal));
    const std::string child = "agent:" + agent + ":subagent:" + new_session_id();
    const std::string label = text_member(order.arguments, "label", "task");
    const Spawned task{new_session_id(), order.caller.session_key, label, child,
                       text_member(order.arguments, "cleanup") == "delete"};
    Json params{{"message", text_member(order.arguments, "task")},
                {"sessionKey", child},
                {"idempotencyKey", task.run_id},
                {"label", preview_of(label, 64)},
                {"spawnedBy", order.caller.session_key}};
    if (!order.caller.sender.empty()) params["spawnedFor"] = order.caller.sender;
    if (const std::string level = text_member(order.arguments, "thinking"); !level.empty())
        params["thinking"] = level;
    if (const int64_t seconds = int_member(order.arguments, "runTimeoutSeconds"); seconds > 0)
        params["timeout"] = seconds;
    const std::string asked = text_member(order.arguments, "model");
    const std::string model = asked.empty() ? methods_->config().subagent_model(agent) : asked;
    if (model.empty()) return begin(task, params, ended);
    methods_->call("sessions.patch", print_json(Json{{"key", child}, {"model", model}}),
                   [this, alive = alive_, task, params, asked, ended](const Answer& answer) {
                       if (!*alive || !methods_)
                           return ended(tool_error("the agent is not serving any more"));
                       if (!answer.ok && !asked.empty())
                           return ended(tool_error("sessions_spawn: " + answer.error_message));
                       if (!answer.ok)
                           log_warn("subagents.model is not used: {}", answer.error_message);
                       begin(task, params, ended);
                   });
}

void OwnTools::begin(const Spawned& task, const Json& params, const Ended& ended) {
    if (store_) {
        const Json note{{"parent", task.parent},
                        {"label", preview_of(task.label, 200)},
                        {"child", task.child},
                        {"delete", task.is_deleted}};
        const Done noted = store_->put_notes({{announce_note + task.run_id, print_json(note)}});
        if (!noted) return ended(tool_error("sessions_spawn: " + noted.error().what));
    }
    const auto accepted = std::make_shared<bool>(false);
    methods_->call(
        "agent", print_json(params),
        [this, alive = alive_, accepted, ended, task](const Answer& answer) {
            if (*accepted) {
                if (!*alive || !methods_) return;
                const Result<Json> payload = parse_json(answer.payload_json);
                return announce(
                    task, answer.ok,
                    answer.ok ? payload_texts(payload ? *payload : Json()) : answer.error_message);
            }
            if (!answer.ok) {
                if (*alive) close(task);
                return ended(tool_error(answer.error_message));
            }
            *accepted = true;
            ToolOutcome outcome = tool_text("Accepted; it runs as " + task.child + ".");
            outcome.details = Json{{"status", "accepted"}, {"childSessionKey", task.child}};
            ended(std::move(outcome));
        });
}

Done OwnTools::recover() {
    if (!store_) return {};
    const Result<std::vector<SessionStore::Note>> notes = store_->notes_under(announce_note);
    if (!notes) return notes.error();
    for (const SessionStore::Note& note : *notes) {
        const Result<Json> facts = parse_json(note.value);
        const Json known = facts ? *facts : Json();
        const Spawned task{note.name.substr(std::string_view(announce_note).size()),
                           text_member(known, "parent"), text_member(known, "label"),
                           text_member(known, "child"), bool_member(known, "delete")};
        const auto told = store_->find_run("agent", announce_key(task.run_id));
        if (!told) return told.error();
        const auto run = store_->find_run("agent", task.run_id);
        if (!run) return run.error();
        if (*told || !*run)
            close(task);  // its parent has it; or it was never accepted
        else if ((*run)->has_ended())
            ended_before(task, **run);
        else
            follow(task);
    }
    return {};
}

// An earlier process began it, and it is under way again.
void OwnTools::follow(const Spawned& task) {
    const Json params{{"runId", task.run_id}, {"timeoutMs", longest_follow_ms}};
    methods_->call("agent.wait", print_json(params), [this, alive = alive_, task](const Answer&) {
        if (!*alive || !methods_ || !store_) return;
        const auto run = store_->find_run("agent", task.run_id);
        if (run && *run && (*run)->has_ended()) ended_before(task, **run);
    });
}

void OwnTools::ended_before(const Spawned& task, const RunRecord& run) {
    if (run.status != "ok") return announce(task, false, run.summary);
    const Result<std::string> answer = answer_of_run(*store_, run);
    announce(task, static_cast<bool>(answer), answer ? *answer : answer.error().what);
}

// A turn of the conversation that asked: it decides what its user is told. They hear it where they
// wrote last; where that was on no channel, its clients see it.
void OwnTools::announce(const Spawned& task, bool ok, const std::string& result) {
    const Json params{{"message", "[The background task \"" + task.label + "\" has " +
                                      (ok ? "ended. Its result:]\n\n" : "failed:]\n\n") +
                                      preview_of(result, longest_announcement)},
                      {"sessionKey", task.parent},
                      {"idempotencyKey", announce_key(task.run_id)}};
    Json delivered = params;
    delivered["deliver"] = true;
    const auto accepted = std::make_shared<bool>(false);
    methods_->call("agent", print_json(delivered),
                   [this, alive = alive_, accepted, params, task](const Answer& told) {
                       if (*accepted || !*alive || !methods_) return;
                       *accepted = told.more || told.ok;
                       *accepted ? close(task) : tell(params, task);
                   });
}

// What is refused because this process ends, or the disk takes nothing, is told by the next one.
void OwnTools::tell(const Json& params, const Spawned& task) {
    const auto accepted = std::make_shared<bool>(false);
    methods_->call("agent", print_json(params),
                   [this, alive = alive_, accepted, task](const Answer& told) {
                       if (std::exchange(*accepted, true) || !*alive) return;
                       const bool is_taken = told.more || told.ok;
                       if (!is_taken)
                           log_warn("the result of the background task {} was not told: {}",
                                    task.label, told.error_message);
                       if (is_taken || told.error_code == "INVALID_REQUEST") close(task);
                   });
}

void OwnTools::close(const Spawned& task) {
    const std::string note = announce_note + task.run_id;
    if (const Done done = store_ ? store_->put_notes({{note, ""}}) : Done(); !done)
        log_warn("the result of the background task {} may be told again: {}", task.label,
                 done.error().what);
    if (!task.is_deleted || !methods_) return;
    methods_->call("sessions.delete", print_json(Json{{"key", task.child}}),
                   [child = task.child](const Answer& answer) {
                       if (!answer.ok)
                           log_warn("the session {} of a background task was not deleted: {}",
                                    child, answer.error_message);
                   });
}

}  // namespace agent
