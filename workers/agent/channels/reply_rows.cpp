#include "workers/agent/channels/reply_rows.h"

#include <utility>

#include "workers/agent/channels/turns.h"
#include "workers/common/log.h"

namespace agent {

bool answers_a_command(const ChannelTurn& turn) {
    return turn.account.channel == "discord" && turn.message.is_native_command();
}

Delivery ReplyRows::delivery(const ChannelTurn& turn, const ChannelReply& said,
                             bool is_first) const {
    Delivery delivery;
    delivery.account = turn.account;
    delivery.place = turn.message.place();
    delivery.text = text_member(member(config_.json(), "messages"), "responsePrefix");
    if (!delivery.text.empty()) delivery.text += " ";
    delivery.text += said.text;
    attach(turn, said, delivery);
    if (quotes(turn, said, is_first))
        delivery.reply_to_id =
            said.reply_to_id.empty() ? turn.message.message_id() : said.reply_to_id;
    delivery.session = turn.route.session;
    return delivery;
}

bool ReplyRows::quotes(const ChannelTurn& turn, const ChannelReply& reply, bool is_first) const {
    if (answers_a_command(turn)) return is_first;
    const Json& setting = channel_setting(config_.json(), turn.account, "replyToMode");
    const std::string usual = turn.account.channel == "telegram" ? "first" : "off";
    const std::string mode = setting.is_string() ? setting.get<std::string>() : usual;
    if (mode == "all") return true;
    if (!is_first) return mode != "off" && !reply.reply_to_id.empty();
    const hardshell::proto::Place& place = turn.message.place();
    // In a thread of its own a reply stands below what it answers.
    const bool in_thread = turn.account.channel == "discord" &&
                           (!place.thread_id().empty() || !place.parent_id().empty());
    return in_thread || mode == "first" || (mode != "off" && reply.wants_reply_to);
}

// What cannot go along is named in the text.
void ReplyRows::attach(const ChannelTurn& turn, const ChannelReply& said,
                       Delivery& delivery) const {
    const AgentEntry* entry = config_.agent(turn.route.agent);
    for (const std::string& file : said.files) {
        const bool is_address = file.starts_with("http://") || file.starts_with("https://");
        Result<hardshell::proto::Attachment> published =
            Error{Fault::bad_message, file + " is an address"};
        if (entry && !is_address) published = files_.publish(entry->workspace, file);
        if (published) {
            delivery.files.push_back(std::move(*published));
            continue;
        }
        if (!is_address) log_warn("a file of an answer is not sent: {}", published.error().what);
        delivery.text += (delivery.text.empty() ? "" : "\n") +
                         (is_address ? file : "[file could not be sent: " + file + "]");
    }
}

}  // namespace agent
