#include "workers/agent/channels/addresses.h"

#include <algorithm>
#include <cctype>

#include "workers/agent/ids.h"

namespace agent {

using hardshell::proto::Person;
using hardshell::proto::Place;

namespace {

bool is_number(std::string_view text) {
    if (text.starts_with("-")) text.remove_prefix(1);
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool take_prefix(std::string& text, std::string_view prefix) {
    if (lower_case(text.substr(0, prefix.size())) != prefix) return false;
    text.erase(0, prefix.size());
    return true;
}

Error not_understood(const std::string& channel, const std::string& to, const char* possible) {
    return {Fault::bad_message,
            "\"" + to + "\" is no recipient on " + channel + "; possible are " + possible};
}

void split_topic(std::string& chat, std::string& topic) {
    size_t colon = chat.find(":topic:");
    size_t skip = 7;
    if (colon == std::string::npos) {
        colon = chat.rfind(':');
        skip = 1;
    }
    if (colon == std::string::npos || !is_number(chat.substr(colon + skip))) return;
    topic = chat.substr(colon + skip);
    chat.erase(colon);
}

Result<Place> telegram_place(const std::string& to, const std::string& thread) {
    std::string chat(trimmed(to));
    for (const std::string_view prefix : {"telegram:", "tg:", "group:", "https://", "t.me/"})
        take_prefix(chat, prefix);
    std::string topic = thread;
    split_topic(chat, topic);
    const bool is_name = !chat.empty() && !is_number(chat);
    if (is_name && !chat.starts_with("@")) chat = "@" + chat;
    if (chat.size() < 2 && !is_number(chat))
        return not_understood("telegram", to, "123, -100123, @name, <chat>:topic:<n>");
    if (is_name && !std::all_of(chat.begin() + 1, chat.end(), [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
        }))
        return not_understood("telegram", to, "123, -100123, @name, <chat>:topic:<n>");
    Place place;
    place.set_kind(chat.starts_with("-") || is_name ? Place::GROUP : Place::DIRECT);
    place.set_chat_id(chat);
    place.set_thread_id(topic);
    return place;
}

Result<Place> discord_place(const std::string& to, const std::string& thread) {
    constexpr const char* possible = "user:<id>, channel:<id>, <@id>, discord:<id>";
    std::string id(trimmed(to));
    Place place;
    if (take_prefix(id, "channel:") || take_prefix(id, "discord:channel:")) {
        place.set_kind(Place::CHANNEL);
    } else if (take_prefix(id, "group:") || take_prefix(id, "discord:group:")) {
        place.set_kind(Place::GROUP);
    } else if (take_prefix(id, "user:") || take_prefix(id, "discord:user:") ||
               take_prefix(id, "discord:")) {
        place.set_kind(Place::DIRECT);
    } else if (id.starts_with("<@") && id.ends_with(">")) {
        id = id.substr(2, id.size() - 3);
        if (id.starts_with("!")) id.erase(0, 1);
        place.set_kind(Place::DIRECT);
    } else if (is_number(id)) {
        return Error{Fault::bad_message, "\"" + to +
                                             "\" may be a person or a channel of Discord; "
                                             "write user:" +
                                             id + " or channel:" + id};
    } else {
        return not_understood("discord", to, possible);
    }
    if (!is_number(id)) return not_understood("discord", to, possible);
    place.set_chat_id(place.kind() == Place::DIRECT ? "user:" + id : id);
    place.set_thread_id(thread);
    return place;
}

bool set(Json& object, const char* key, const std::string& value) {
    const Json wanted = value.empty() ? Json() : Json(value);
    if (value.empty()) return object.erase(key) > 0;
    if (member(object, key) == wanted) return false;
    object[key] = wanted;
    return true;
}

const char* chat_type(const Place& place) {
    switch (place.kind()) {
        case Place::GROUP:
            return "group";
        case Place::CHANNEL:
            return "channel";
        default:
            return "direct";
    }
}

// Telegram's topics are numbers in session entries.
void set_thread(Json& object, const char* key, const std::string& thread) {
    if (thread.empty())
        object.erase(key);
    else if (is_number(thread) && thread.size() < 16)
        object[key] = std::stoll(thread);
    else
        object[key] = thread;
}

std::string thread_text(const Json& object, const char* key) {
    const Json& thread = member(object, key);
    if (thread.is_number_integer()) return std::to_string(thread.get<int64_t>());
    return thread.is_string() ? thread.get<std::string>() : "";
}

}  // namespace

Result<Place> place_for(const std::string& channel, const std::string& to,
                        const std::string& thread) {
    if (trimmed(to).empty())
        return Error{Fault::bad_message, "a recipient is needed on " + channel + " (to)"};
    if (channel == "telegram") return telegram_place(to, thread);
    if (channel == "discord") return discord_place(to, thread);
    Place place;
    place.set_kind(Place::DIRECT);
    place.set_chat_id(std::string(trimmed(to)));
    place.set_thread_id(thread);
    return place;
}

std::string address_text(const std::string& channel, const Place& place, const Person& sender) {
    if (channel != "discord") return place.chat_id();
    if (place.kind() != Place::DIRECT)
        return (place.kind() == Place::GROUP ? "group:" : "channel:") + place.chat_id();
    return sender.id().empty() ? place.chat_id() : "user:" + sender.id();
}

std::string origin_text(const std::string& channel, const Place& place, const Person& sender) {
    if (place.kind() == Place::DIRECT)
        return channel + ":" + (sender.id().empty() ? place.chat_id() : sender.id());
    std::string text =
        channel + (place.kind() == Place::GROUP ? ":group:" : ":channel:") + place.chat_id();
    if (channel == "telegram" && !place.thread_id().empty()) text += ":topic:" + place.thread_id();
    return text;
}

bool remember_route(Json& entry, const ChannelAccount& account, const Place& place,
                    const Person& sender) {
    const Json before = entry;
    const std::string to = address_text(account.channel, place, sender);
    const bool is_direct = place.kind() == Place::DIRECT;
    set(entry, "chatType", chat_type(place));
    set(entry, "channel", account.channel);
    set(entry, "lastChannel", account.channel);
    set(entry, "lastTo", to);
    set(entry, "lastAccountId", account.account);
    set_thread(entry, "lastThreadId", place.thread_id());
    set(entry, "groupId", is_direct ? "" : place.chat_id());
    set(entry, "subject", is_direct ? "" : place.title());
    set(entry, "space", is_direct ? "" : place.guild_id());
    set(entry, "groupParentId", is_direct ? "" : place.parent_id());
    Json context{{"channel", account.channel}, {"to", to}, {"accountId", account.account}};
    set_thread(context, "threadId", place.thread_id());
    entry["deliveryContext"] = std::move(context);
    Json origin{{"label", is_direct ? sender.name() : place.title()},
                {"provider", account.channel},
                {"surface", account.channel},
                {"chatType", chat_type(place)},
                {"from", origin_text(account.channel, place, sender)},
                {"to", to},
                {"accountId", account.account}};
    set_thread(origin, "threadId", place.thread_id());
    entry["origin"] = std::move(origin);
    return entry != before;
}

Result<Address> remembered_route(const Json& entry) {
    const Json& context = member(entry, "deliveryContext");
    const std::string channel = text_member(context, "channel", text_view(entry, "lastChannel"));
    const std::string to = text_member(context, "to", text_view(entry, "lastTo"));
    if (channel.empty() || to.empty() || channel == "webchat")
        return Error{Fault::bad_message, "nobody has written to this session on a channel yet"};
    std::string account = text_member(context, "accountId", text_view(entry, "lastAccountId"));
    if (account.empty()) account = "default";
    std::string thread = thread_text(context, "threadId");
    if (thread.empty()) thread = thread_text(entry, "lastThreadId");
    Result<Place> place = place_for(channel, to, thread);
    if (!place) return place.error();
    return Address{{channel, account}, std::move(*place)};
}

}  // namespace agent
