// The part of a turn in which the model's tool calls are run: one after another, each answer that
// asks for some on the disk before the first of them begins. A later process therefore finds the
// call, tells the model that it was interrupted, and never runs it again by itself.

#include <algorithm>
#include <map>
#include <utility>

#include "workers/agent/ids.h"
#include "workers/agent/run.h"
#include "workers/agent/run_messages.h"
#include "workers/agent/transcript.h"
#include "workers/common/log.h"

namespace agent {

namespace {

// What an elevated turn's commands run as; exec-approvals.json has the last word all the same.
struct ElevatedRow {
    std::string_view level;
    ExecChoice exec;
};
const ElevatedRow elevated_rows[] = {
    // level, host, security, ask
    {"on", {"gateway", "", ""}},
    {"ask", {"gateway", "", "always"}},
    {"full", {"gateway", "full", "off"}},
};

constexpr const char* skipped_text = "Skipped due to queued user message.";
constexpr const char* interrupted_text = "No result: the tool was interrupted before it finished.";

Json calls_in(const Json& message) {
    Json calls = Json::array();
    const Json& content = member(message, "content");
    if (!content.is_array()) return calls;
    for (const Json& block : content)
        if (text_view(block, "type") == "toolCall") calls.push_back(block);
    return calls;
}

// As the caller knows it: what follows the bar is between the provider and us.
std::string id_for_caller(const Json& call) {
    const std::string id = text_member(call, "id");
    return id.substr(0, id.find('|'));
}

Json call_for_caller(const Json& call) {
    const Json& arguments = member(call, "arguments");
    return Json{{"id", id_for_caller(call)},
                {"name", text_member(call, "name")},
                {"arguments", print_json(arguments.is_object() ? arguments : Json::object())}};
}

// What it came to is told by that id.
ToolOutcome handed_over(const Json& call) {
    return tool_text("Handed over to the caller as " + id_for_caller(call) +
                     ". What comes of it is told with the next message.");
}

// Some servers give their calls no ids. What was done is known by them, to a later process as well,
// so that no two calls of a conversation may have the same.
void give_ids_to_calls(Json& message) {
    for (Json& block : message["content"])
        if (text_view(block, "type") == "toolCall" && text_view(block, "id").empty())
            block["id"] = "call_" + new_entry_id();
}

Json result_message(const Json& call, const ToolOutcome& outcome, int64_t now_ms) {
    Json message{{"role", "toolResult"},
                 {"toolCallId", text_member(call, "id")},
                 {"toolName", text_member(call, "name")},
                 {"content", outcome.content},
                 {"isError", outcome.is_error},
                 {"timestamp", now_ms}};
    if (!outcome.details.is_null()) message["details"] = outcome.details;
    return message;
}

Json shown_result(const ToolOutcome& outcome) {
    Json result{{"content", outcome.content}};
    if (!outcome.details.is_null()) result["details"] = outcome.details;
    return result;
}

}  // namespace

ToolOutcome tool_text(std::string text) {
    ToolOutcome outcome;
    outcome.content = text_content(text);
    return outcome;
}

ToolOutcome tool_error(std::string text) {
    ToolOutcome outcome = tool_text(std::move(text));
    outcome.is_error = true;
    return outcome;
}

// An answer that was cut off may end in half a call: nothing of it is run.
bool Run::wants_tools(const Json& message) const {
    const bool has_any = services_.tools || !order_.record.client_tools.is_null();
    return has_any && text_view(message, "stopReason") == "toolUse" && !calls_in(message).empty();
}

void Run::use_tools(Json message) {
    if (++tool_rounds_ > most_tool_rounds)
        return end({"error",
                    model_.full() + " asked for tools " + std::to_string(most_tool_rounds) +
                        " times without coming to an answer; the run was ended",
                    "", nullptr});
    if (is_heartbeat() && !message_written_ && !(prepare_session() && write_user_message())) return;
    give_ids_to_calls(message);
    text_ = message_text(message);
    if (emitted_ > text_.size()) emitted_ = 0;
    if (!is_heartbeat()) flush_text();
    services_.events.run_turns_to_tools(order_.record.run_id, text_);
    const Done done =
        services_.store.append(*session_, new_entry_id(), message, SessionStore::Durability::now);
    if (!done)
        return end({"error", "The answer could not be stored: " + done.error().what, "", nullptr});
    delta_timer_.reset();
    text_.clear();
    emitted_ = 0;
    call_.reset();
    // The caller's come last: their results say that the run has come to its end.
    tool_calls_ = Json::array();
    const Json calls = calls_in(message);
    for (const bool clients : {false, true})
        for (const Json& call : calls)
            if (is_clients(text_view(call, "name")) == clients) tool_calls_.push_back(call);
    next_tool_ = 0;
    asking_ = std::move(message);
    next_tool();
}

// A function of the caller's takes the place of a tool of that name.
Json Run::tools_offered() const {
    const Json own = services_.tools ? services_.tools->definitions(tool_caller()) : Json::array();
    const Json& clients = order_.record.client_tools;
    if (!clients.is_array()) return own;
    Json all = Json::array();
    for (const Json& tool : own)
        if (!is_clients(text_view(tool, "name"))) all.push_back(tool);
    for (const Json& tool : clients) all.push_back(tool);
    return all;
}

bool Run::is_clients(std::string_view tool) const {
    const Json& clients = order_.record.client_tools;
    return clients.is_array() && std::any_of(clients.begin(), clients.end(), [&](const Json& one) {
               return text_view(one, "name") == tool;
           });
}

// Its result is not waited for: the caller comes back with it, in a turn of its own.
bool Run::hand_over(const Json& call) {
    emit_tool("start", call, {{"args", member(call, "arguments")}});
    const ToolOutcome outcome = handed_over(call);
    if (!write_result(call, outcome)) return false;
    handed_over_.push_back(call_for_caller(call));
    emit_tool("result", call, {{"isError", false}, {"result", shown_result(outcome)}});
    return true;
}

// An earlier process was asked for calls of the caller's and did not come to say so. What else was
// asked for with them and has no result was interrupted.
bool Run::hand_over_again() {
    if (!order_.message_stored || order_.record.client_tools.is_null()) return false;
    Json asking;
    std::map<std::string, bool> results;  // by call; true: an error
    const Done done = services_.store.visit_messages(*session_, [&](const Json& message) {
        const std::string_view role = text_view(message, "role");
        if (role == "toolResult")
            results[text_member(message, "toolCallId")] = bool_member(message, "isError");
        else if (role == "assistant")
            asking = message;
        return role == "toolResult";
    });
    if (!done) return end({"error", done.error().what, "", nullptr}), true;
    if (!wants_tools(asking)) return false;
    const Json calls = calls_in(asking);
    const auto is_open = [&](const Json& call) {  // its result, if there is one, says handed over
        const auto result = results.find(text_member(call, "id"));
        return is_clients(text_view(call, "name")) && (result == results.end() || !result->second);
    };
    if (std::none_of(calls.begin(), calls.end(), is_open)) return false;
    for (const Json& call : calls) {
        const bool open = is_open(call);
        const bool has_result = results.contains(text_member(call, "id"));
        if (open) handed_over_.push_back(call_for_caller(call));
        if (!has_result &&
            !write_result(call, open ? handed_over(call) : tool_error(interrupted_text)))
            return true;
    }
    end({"ok", "", "", std::move(asking), true});
    return true;
}

void Run::next_tool() {
    while (next_tool_ < tool_calls_.size() &&
           is_clients(text_view(tool_calls_[next_tool_], "name")))
        if (!hand_over(tool_calls_[next_tool_++])) return;
    if (next_tool_ >= tool_calls_.size()) {
        tool_calls_ = Json::array();
        next_tool_ = 0;
        if (!handed_over_.empty()) return end({"ok", "", "", std::move(asking_), true});
        if (services_.steer) (void)services_.steer(*this);
        return call_model();
    }
    const Json& call = tool_calls_[next_tool_];
    emit_tool("start", call, {{"args", member(call, "arguments")}});
    tool_text_.clear();
    last_tool_update_ms_ = services_.steady_ms();
    if (!services_.tools)
        return tool_ended(tool_error("There is no tool " + text_member(call, "name") + " here."));
    tool_ = services_.tools->start({text_member(call, "name"), text_member(call, "id"),
                                    member(call, "arguments"), tool_caller(), order_.record.run_id},
                                   *this);
}

void Run::tool_output(std::string_view text) {
    tool_text_ += text;
    if (tool_text_.size() > longest_tool_update)
        tool_text_.erase(0, tool_text_.size() - longest_tool_update);
    if (services_.steady_ms() - last_tool_update_ms_ >= tool_update_every_ms) emit_tool_update();
}

void Run::emit_tool_update() {
    last_tool_update_ms_ = services_.steady_ms();
    emit_tool("update", tool_calls_[next_tool_],
              {{"partialResult", {{"content", text_content(tool_text_)}}}});
}

void Run::tool_ended(ToolOutcome outcome) {
    const std::unique_ptr<ToolCall> ended = std::move(tool_);
    const Json call = tool_calls_[next_tool_++];
    if (!write_result(call, outcome)) return;
    note_sent(text_view(call, "name"), outcome.details);
    emit_tool("result", call, {{"isError", outcome.is_error}, {"result", shown_result(outcome)}});
    // What a person has said meanwhile comes first: the calls that are left are not run.
    if (next_tool_ < tool_calls_.size() && services_.has_steering && services_.has_steering(*this))
        give_up_tools(skipped_text);
    next_tool();
}

void Run::note_sent(std::string_view tool, const Json& details) {
    if (tool == "message" && !text_view(details, "text").empty()) sent_.push_back(details);
}

// What an earlier process has sent in this turn: all that follows the turn's own message.
void Run::recall_sent() {
    if (!order_.message_stored) return;
    const Result<Json> own = services_.store.find_message(*session_, order_.record.entry_id);
    Done done = own ? Done() : own.error();
    if (own && !own->is_null())
        done = services_.store.visit_messages(*session_, [&](const Json& message) {
            note_sent(text_view(message, "toolName"), member(message, "details"));
            return message != *own;
        });
    if (!done)
        log_warn("what run {} has sent before may be said again: {}", order_.record.run_id,
                 done.error().what);
}

// Not waited for: should it get lost, the model is told of an interruption.
bool Run::write_result(const Json& call, const ToolOutcome& outcome) {
    const Done done = services_.store.append(*session_, new_entry_id(),
                                             result_message(call, outcome, services_.now_ms()),
                                             SessionStore::Durability::soon);
    if (!done)
        end({"error", "A tool's result could not be stored: " + done.error().what, "", nullptr});
    return static_cast<bool>(done);
}

// The run ends with calls open: each gets a result, so that the conversation stays whole.
void Run::give_up_tools(const std::string& why) {
    tool_.reset();
    for (; next_tool_ < tool_calls_.size(); ++next_tool_) {
        const Json& call = tool_calls_[next_tool_];
        const ToolOutcome outcome = tool_error(why);
        const Done done = services_.store.append(*session_, new_entry_id(),
                                                 result_message(call, outcome, services_.now_ms()),
                                                 SessionStore::Durability::soon);
        if (!done) log_warn("a tool's result was not stored: {}", done.error().what);
        emit_tool("result", call, {{"isError", true}, {"result", shown_result(outcome)}});
    }
}

// Clients that do not want them still see the run's counter go on.
void Run::emit_tool(const char* phase, const Json& call, Json members) {
    const std::string own = setting("verboseLevel");
    const std::string verbose =
        own.empty()
            ? text_member(member_at(services_.config.json(), "agents.defaults"), "verboseDefault")
            : own;
    if (is_heartbeat() || (verbose != "on" && verbose != "full")) {
        ++sequence_;
        return;
    }
    Json data{{"phase", phase},
              {"name", text_member(call, "name")},
              {"toolCallId", text_member(call, "id")}};
    for (auto& [name, value] : members.items()) data[name] = std::move(value);
    emit_agent("tool", std::move(data), std::string_view(phase) == "update");
}

std::string Run::setting(const char* name) const {
    const std::string own = text_member(order_.record.turn, name);
    return own.empty() && session_ ? text_member(session_->entry, name) : own;
}

ToolCaller Run::tool_caller() const {
    const SessionKey& session = order_.record.session;
    ToolCaller caller{session.agent, model_.provider, model_.model, session.key, {}};
    caller.exec = {setting("execHost"), setting("execSecurity"), setting("execAsk")};
    // Granted to this turn or not at all: others write to the session as well.
    const std::string elevated = text_member(order_.record.turn, "elevatedLevel");
    for (const ElevatedRow& row : elevated_rows)
        if (row.level == elevated) caller.exec = row.exec;
    const Json entry = session_ ? session_->entry : Json::object();
    caller.group = group_of(session.key, entry);
    caller.sender = text_member(order_.record.turn, "senderId");
    // What a group's people may not do, a task that they start may not do either.
    if (const std::string spawner = text_member(entry, "spawnedBy"); !spawner.empty()) {
        const Result<SessionKey> key = canonical_key(spawner, services_.config.keys());
        const auto found = key ? services_.store.find(*key) : key.error();
        caller.group = group_of(spawner, found && *found ? (*found)->entry : Json());
        caller.sender = text_member(entry, "spawnedFor");
    }
    return caller;
}

}  // namespace agent
