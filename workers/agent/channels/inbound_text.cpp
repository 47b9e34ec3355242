#include "workers/agent/channels/inbound_text.h"

#include <algorithm>
#include <ctime>

namespace agent {

using hardshell::proto::InboundMessage;
using hardshell::proto::Person;
using hardshell::proto::Place;

namespace {

// Names and titles are chosen by strangers: on the envelope's one line, and no more.
std::string on_one_line(std::string text, size_t most) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == '[' || c == ']') c = ' ';
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
    return text.substr(0, most);
}

constexpr size_t longest_name = 120;

std::string name_of(const Person& person) {
    const std::string& known = person.name().empty() ? person.username() : person.name();
    return on_one_line(known.empty() ? person.id() : known, longest_name);
}

std::string person_label(const Person& person) {
    std::string label = name_of(person);
    if (!person.username().empty() && person.username() != person.name())
        label += " (@" + on_one_line(person.username(), longest_name) + ")";
    if (!person.id().empty() && label != person.id()) label += " id:" + person.id();
    return label;
}

std::string place_label(const Place& place) {
    std::string label = on_one_line(place.title(), longest_name);
    if (!label.empty()) label += " ";
    label += (place.kind() == Place::CHANNEL ? "channel id:" : "id:") + place.chat_id();
    if (!place.thread_id().empty()) label += " topic:" + place.thread_id();
    return label;
}

std::string elapsed_text(int64_t milliseconds) {
    const int64_t seconds = std::max<int64_t>(milliseconds, 0) / 1000;
    if (seconds < 60) return "+" + std::to_string(seconds) + "s";
    if (seconds < 3600) return "+" + std::to_string(seconds / 60) + "m";
    if (seconds < 86'400) return "+" + std::to_string(seconds / 3600) + "h";
    return "+" + std::to_string(seconds / 86'400) + "d";
}

std::string time_text(int64_t milliseconds, bool utc) {
    const time_t seconds = static_cast<time_t>(milliseconds / 1000);
    struct tm parts {};
    if (utc)
        gmtime_r(&seconds, &parts);
    else
        localtime_r(&seconds, &parts);
    char text[64];
    const size_t size =
        strftime(text, sizeof text, utc ? "%Y-%m-%dT%H:%MZ" : "%Y-%m-%d %H:%M %Z", &parts);
    return {text, size};
}

std::string replied(const ChannelAccount& account, const InboundMessage& message) {
    if (message.reply_to_text().empty()) return {};
    const std::string from = on_one_line(message.reply_to_sender(), longest_name);
    if (account.channel == "telegram")
        return "\n\n[Replying to " + (from.empty() ? "a message" : from) +
               (message.reply_to_id().empty() ? "" : " id:" + message.reply_to_id()) + "]\n" +
               message.reply_to_text() + "\n[/Replying]";
    return "\n\n[Replied message - for context]\n" + (from.empty() ? "" : from + ": ") +
           message.reply_to_text();
}

std::string files_text(const InboundMessage& message) {
    std::string text;
    for (const auto& file : message.attachments()) {
        const std::string name = on_one_line(file.file_name(), longest_name);
        if (file.path().empty())
            text += "[file not available" + (name.empty() ? "" : ": " + name) +
                    (file.note().empty() ? "" : ": " + on_one_line(file.note(), 400)) + "]\n";
        else
            text += "[media attached: " + file.path() + " (" + file.mime_type() + ")" +
                    (name.empty() ? "" : " " + name) + "]\n";
    }
    return text;
}

std::string said_before(const InboundMessage& message) {
    if (message.context().empty()) return {};
    std::string text = "[Chat messages since your last reply - for context]\n";
    for (const std::string& line : message.context()) text += line + "\n";
    return text + "\n[Current message - respond to this]\n";
}

// Marks that reply_in() takes out again.
constexpr const char* replies_text =
    "## Replies\nYour answer goes to where the message came from by itself. It may have, each on a "
    "line of its own: [[reply_to_current]] or [[reply_to:<message id>]] first, to answer as a "
    "reply to that message; MEDIA:<path in the workspace or address>, to send a file along. To "
    "say nothing, and when you have said it with the message tool already, answer with exactly "
    "NO_REPLY.";

}  // namespace

EnvelopeStyle envelope_style(const Json& config) {
    const Json& defaults = member_at(config, "agents.defaults");
    return {text_view(defaults, "envelopeTimestamp") != "off",
            text_view(defaults, "envelopeElapsed") != "off",
            text_view(defaults, "envelopeTimezone") == "utc"};
}

std::string inbound_text(const ChannelAccount& account, const InboundMessage& message,
                         const EnvelopeStyle& style, const EnvelopeTimes& times) {
    const bool is_direct = message.place().kind() == Place::DIRECT;
    std::string head = "[" + channel_label(account.channel) + " " +
                       (is_direct ? person_label(message.sender()) : place_label(message.place()));
    if (style.elapsed && times.previous_ms > 0 && times.sent_ms > 0)
        head += " " + elapsed_text(times.sent_ms - times.previous_ms);
    if (style.timestamp && times.sent_ms > 0) head += " " + time_text(times.sent_ms, style.utc);
    head += "] ";
    const std::string who = is_direct ? "" : name_of(message.sender()) + ": ";
    std::string text = said_before(message) + files_text(message) + head + who + message.text() +
                       replied(account, message);
    if (!message.message_id().empty()) text += "\n[message_id: " + message.message_id() + "]";
    return text;
}

std::string channel_prompt(const ChannelAccount& account, const InboundMessage& message) {
    const bool is_direct = message.place().kind() == Place::DIRECT;
    std::string text = account.channel == voice_channel ? "" : replies_text;
    if (!is_direct)
        text +=
            "\n\n## Group Chat Context\nThis conversation is a " + channel_label(account.channel) +
            (message.place().kind() == Place::CHANNEL ? " channel" : " group") +
            " in which several people write. Each message begins with who wrote it. " +
            (message.needs_no_mention()
                 ? "You are shown everything that is written: answer what is meant for you, and "
                   "reply to all else with exactly NO_REPLY."
                 : "You are shown what names you: answer what is asked of you; when nothing "
                   "needs an answer, reply with exactly NO_REPLY.");
    if (!message.system_prompt().empty())
        text += (text.empty() ? "" : "\n\n") + message.system_prompt();
    return text;
}

}  // namespace agent
