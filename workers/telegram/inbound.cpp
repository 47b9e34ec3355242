#include "workers/telegram/inbound.h"

#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

using hardshell::proto::InboundMessage;
using hardshell::proto::Person;
using hardshell::proto::Place;

Place::Kind kind_of(const Chat& chat) {
    if (chat.is_private()) return Place::DIRECT;
    return chat.is_group() ? Place::GROUP : Place::CHANNEL;
}

std::string shown_name(const User& user) {
    if (!user.name.empty()) return user.name;
    return user.username.empty() ? user.id : "@" + user.username;
}

}  // namespace

Place place_of(const Chat& chat, const std::string& thread_id) {
    Place place;
    place.set_kind(kind_of(chat));
    place.set_chat_id(chat.id);
    place.set_thread_id(thread_id);
    place.set_title(chat.title);
    return place;
}

Person person_of(const User& user) {
    Person person;
    person.set_id(user.id);
    person.set_name(shown_name(user));
    person.set_username(user.username);
    person.set_is_bot(user.is_bot);
    return person;
}

Judged judge_message(const Settings& settings, const channel::AllowList& paired, const Bot& bot,
                     const Message& message, const Naming& named,
                     std::optional<bool> needs_mention) {
    Judged judged;
    judged.addressing = addressing_of(message, bot);
    if (named && !message.chat.is_private() && named(message.text))
        judged.addressing.was_mentioned = true;
    judged.rules = rules_for(settings, paired, message.chat.id, message.thread_id);
    if (needs_mention) judged.rules.gate.require_mention = *needs_mention;
    const Addressing& said = judged.addressing;
    channel::GateFacts facts;
    facts.in_group = !message.chat.is_private();
    facts.is_own = said.is_own;
    facts.sender_id = message.from.id;
    facts.sender_name = message.from.username;
    facts.was_mentioned = said.was_mentioned;
    facts.mentions_others = said.mentions_others || said.is_for_another_bot;
    facts.is_command = said.is_command;
    facts.has_content = !said.text.empty() || !message.files.empty();
    judged.ruling = channel::judge(judged.rules.gate, facts);
    return judged;
}

InboundMessage inbound_of(const Message& message, const Judged& judged, const Bot& bot) {
    InboundMessage inbound;
    inbound.set_key(bot.id + ":" + message.chat.id + ":" + message.id);
    *inbound.mutable_place() = place_of(message.chat, message.thread_id);
    *inbound.mutable_sender() = person_of(message.from);
    inbound.set_message_id(message.id);
    inbound.set_sent_ms(message.date * 1000);
    inbound.set_text(judged.addressing.text);
    if (message.reply) {
        inbound.set_reply_to_id(message.reply->message_id);
        inbound.set_reply_to_text(message.reply->text);
        inbound.set_reply_to_sender(shown_name(message.reply->from));
    }
    const bool in_group = !message.chat.is_private();
    inbound.set_was_mentioned(
        in_group && (judged.addressing.was_mentioned || !judged.rules.gate.require_mention));
    inbound.set_needs_no_mention(in_group && !judged.rules.gate.require_mention);
    inbound.set_may_command(judged.ruling.may_command);
    inbound.set_is_native_command(judged.addressing.is_command);
    inbound.set_system_prompt(judged.rules.system_prompt);
    for (const std::string& skill : judged.rules.skills) inbound.add_skills(skill);
    return inbound;
}

void mark_edited(InboundMessage& inbound, const Bot& bot, int64_t update_id) {
    inbound.set_replaces_id(inbound.message_id());
    inbound.set_key(bot.id + ":edit:" + std::to_string(update_id));
}

Message message_of(const Callback& callback) {
    Message message;
    message.id = callback.message.id + ":" + callback.id;
    message.chat = callback.message.chat;
    message.thread_id = callback.message.thread_id;
    message.from = callback.from;
    message.date = callback.message.date;
    message.text = callback.data;
    return message;
}

std::string history_line(const Message& message, const Addressing& addressing) {
    std::string line = shown_name(message.from) + ": ";
    for (const FileOf& file : message.files) line += "<media:" + file.kind + "> ";
    line += addressing.text;
    return std::string(without_blanks_around(line)) + " [id:" + message.id + "]";
}

std::string pairing_text(const std::string& user_id, const std::string& code) {
    return "OpenClaw: access not configured.\n\nYour Telegram user id: " + user_id +
           "\n\nPairing code: " + code +
           "\n\nAsk the bot owner to approve with:\nopenclaw pairing approve telegram <code>";
}

}  // namespace telegram
