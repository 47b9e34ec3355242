#include "workers/agent/message_tool.h"

#include <utility>

#include "workers/agent/channels/addresses.h"
#include "workers/agent/ids.h"

namespace agent {

namespace {

constexpr size_t longest_message = 100'000;  // bytes

bool is_address(std::string_view media) {
    return media.starts_with("http://") || media.starts_with("https://");
}

std::string origin_of(const ToolOrder& order) {
    return "tool:" + order.run_id + ":" + order.call_id;
}

Json facts_of(const DeliveryWish& to) {
    Json facts{{"channel", to.channel}, {"to", to.to}, {"accountId", to.account}};
    if (!to.thread.empty()) facts["threadId"] = to.thread;
    return facts;
}

ToolOutcome needs(const char* what) {
    return tool_error(std::string("message: ") + what + " is needed");
}

}  // namespace

const char* MessageTool::schema() {
    return R"({"type":"object","properties":{
"action":{"type":"string","enum":["send","edit","delete","react"]},
"channel":{"type":"string","description":"As \"telegram\"; left out: this conversation's"},
"target":{"type":"string","description":"A chat or person there; left out: this conversation's"},
"to":{"type":"string","description":"The same as target"},
"accountId":{"type":"string"},"threadId":{"type":"string"},
"message":{"type":"string","description":"For send and edit"},
"media":{"type":"string","description":"For send: a file of the workspace, or an address"},
"replyTo":{"type":"string","description":"For send: the id of the message it answers"},
"silent":{"type":"boolean"},
"messageId":{"type":"string","description":"For edit, delete and react"},
"emoji":{"type":"string","description":"For react"},
"remove":{"type":"boolean","description":"For react: take it back"}},"required":["action"]})";
}

void MessageTool::run(const ToolOrder& order, const Ended& ended) {
    struct Row {
        std::string_view action;
        void (MessageTool::*handler)(const ToolOrder&, const DeliveryWish&, const Ended&);
    };
    constexpr Row rows[] = {
        {"send", &MessageTool::send},
        {"edit", &MessageTool::change},
        {"delete", &MessageTool::change},
        {"react", &MessageTool::react},
    };
    const std::string action = text_member(order.arguments, "action");
    for (const Row& row : rows) {
        if (row.action != action) continue;
        const Result<DeliveryWish> wish = where(order);
        if (!wish) return ended(tool_error(wish.error().what));
        if (const Done may = allowed(order, *wish); !may)
            return ended(tool_error(may.error().what));
        return (this->*row.handler)(order, *wish, ended);
    }
    ended(tool_error("message: there is no action " + action));
}

Result<DeliveryWish> MessageTool::where(const ToolOrder& order) const {
    DeliveryWish wish;
    wish.channel = text_member(order.arguments, "channel");
    wish.to = text_member(order.arguments, "target", text_view(order.arguments, "to"));
    wish.account = text_member(order.arguments, "accountId");
    const std::string thread = text_member(order.arguments, "threadId");
    wish.thread = thread;
    wish.session = {order.caller.agent, order.caller.session_key};
    if (wish.channel.empty() && !wish.to.empty()) {
        const Result<std::optional<Session>> session = store_.find(wish.session);
        if (session && *session) wish.channel = text_member((*session)->entry, "lastChannel");
        if (wish.channel == "webchat") wish.channel.clear();
    }
    Result<DeliveryWish> resolved = channels_.resolve(std::move(wish));
    if (resolved && !thread.empty()) resolved->thread = thread;
    return resolved;
}

Done MessageTool::allowed(const ToolOrder& order, const DeliveryWish& wish) const {
    const SessionKey key{order.caller.agent, order.caller.session_key};
    const std::string main = main_key(key.agent, config_.keys());
    if (key.key == main) return {};
    const Result<std::optional<Session>> session = store_.find(key);
    if (!session) return session.error();
    const std::string own = *session ? text_member((*session)->entry, "channel") : "";
    if (own.empty() || own == "webchat" || own == wish.channel) return {};
    return Error{Fault::bad_message,
                 "message: a conversation on " + own + " sends nothing to " + wish.channel};
}

Channels::Told MessageTool::teller(const DeliveryWish& to, const std::string& text,
                                   const Ended& ended) {
    const auto open = std::make_shared<bool>(true);
    const auto timer = std::make_shared<Loop::Registration>();
    Json facts = facts_of(to);
    if (!text.empty()) facts["text"] = text;
    *timer = loop_.after(patience, [open, ended, facts] {
        if (!std::exchange(*open, false)) return;
        ToolOutcome outcome = tool_text("It is on its way; it has not been confirmed yet.");
        outcome.details = facts;
        ended(std::move(outcome));
    });
    return [open, timer, ended, facts](const DeliveryOutcome& outcome) {
        timer->reset();
        if (!std::exchange(*open, false)) return;
        if (!outcome.is_sent()) {
            const std::string why = outcome.reason.empty() ? "" : ": " + outcome.reason;
            return ended(tool_error(outcome.state == "unknown"
                                        ? "It is not known whether it arrived" + why
                                        : "It was not delivered (" + outcome.state + ")" + why));
        }
        ToolOutcome done =
            tool_text("Done" + (outcome.platform_id.empty()
                                    ? std::string(".")
                                    : "; the message's id is " + outcome.platform_id + "."));
        done.details = facts;
        if (!outcome.platform_id.empty()) done.details["messageId"] = outcome.platform_id;
        ended(std::move(done));
    };
}

void MessageTool::send(const ToolOrder& order, const DeliveryWish& to, const Ended& ended) {
    Channels::OutgoingMessage message;
    message.to = to;
    message.text = text_member(order.arguments, "message");
    message.reply_to = text_member(order.arguments, "replyTo");
    message.silent = bool_member(order.arguments, "silent");
    const std::string media = text_member(order.arguments, "media");
    if (is_address(media))
        message.text += (message.text.empty() ? "" : "\n") + media;
    else
        message.file = media;
    if (trimmed(message.text).empty() && message.file.empty()) return ended(needs("message"));
    if (message.text.size() > longest_message)
        return ended(tool_error("message: more than 100000 bytes are not sent"));
    const AgentEntry* agent = config_.agent(order.caller.agent);
    message.workspace = agent ? agent->workspace : "";
    if (!message.workspace.starts_with('/'))
        message.workspace = state_dir_ + "/" + message.workspace;
    const Done done = channels_.deliver(message, origin_of(order), teller(to, message.text, ended));
    if (!done) ended(tool_error(done.error().what));
}

void MessageTool::change(const ToolOrder& order, const DeliveryWish& where, const Ended& ended) {
    Channels::MessageChange change;
    change.where = where;
    change.message_id = text_member(order.arguments, "messageId");
    change.remove = text_view(order.arguments, "action") == "delete";
    change.text = text_member(order.arguments, "message");
    if (change.message_id.empty()) return ended(needs("messageId"));
    if (!change.remove && trimmed(change.text).empty()) return ended(needs("message"));
    const Done done = channels_.change(change, origin_of(order), teller(where, "", ended));
    if (!done) ended(tool_error(done.error().what));
}

void MessageTool::react(const ToolOrder& order, const DeliveryWish& where, const Ended& ended) {
    const std::string message_id = text_member(order.arguments, "messageId");
    const std::string emoji = text_member(order.arguments, "emoji");
    if (message_id.empty()) return ended(needs("messageId"));
    if (emoji.empty()) return ended(needs("emoji"));
    const Done done =
        channels_.react(where, message_id, emoji, bool_member(order.arguments, "remove"));
    ended(done ? tool_text("Done.") : tool_error(done.error().what));
}

bool was_said(const Json& sent, const DeliveryWish& place, std::string_view text) {
    if (!sent.is_array()) return false;
    for (const Json& one : sent)
        if (text_view(one, "channel") == place.channel && text_view(one, "to") == place.to &&
            text_view(one, "accountId") == place.account &&
            text_view(one, "threadId") == place.thread &&
            trimmed(text_view(one, "text")) == trimmed(text))
            return true;
    return false;
}

}  // namespace agent
