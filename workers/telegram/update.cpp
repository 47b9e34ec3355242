#include "workers/telegram/update.h"

#include <algorithm>
#include <iterator>

#include "workers/common/base/clock.h"
#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

constexpr const char* general_topic = "1";

Chat read_chat(const Json& value) {
    Chat chat;
    chat.id = id_member(value, "id");
    chat.type = text_member(value, "type");
    chat.title = text_member(value, "title");
    chat.is_forum = bool_member(value, "is_forum");
    return chat;
}

std::string full_name(const Json& value) {
    std::string name = text_member(value, "first_name");
    if (const std::string last = text_member(value, "last_name"); !last.empty())
        name += (name.empty() ? "" : " ") + last;
    return name;
}

// Who wrote as a channel or as an anonymous administrator has no id that a list could hold.
User writer_of(const Json& message) {
    const Json& as_chat = member(message, "sender_chat");
    if (!as_chat.is_object()) return read_user(member(message, "from"));
    User user;
    user.id = id_member(as_chat, "id");
    user.name = text_member(as_chat, "title");
    user.username = text_member(as_chat, "username");
    return user;
}

std::vector<Entity> read_entities(const Json& list, const std::string& text) {
    std::vector<Entity> entities;
    if (!list.is_array()) return entities;
    for (const Json& value : list) {
        const int64_t offset = int_member(value, "offset", -1);
        const int64_t length = int_member(value, "length", -1);
        if (offset < 0 || length <= 0) continue;
        Entity entity;
        entity.type = text_member(value, "type");
        entity.begin = byte_of_unit(text, static_cast<size_t>(offset));
        entity.end = byte_of_unit(text, static_cast<size_t>(offset) + static_cast<size_t>(length));
        entity.url = text_member(value, "url");
        entity.user_id = id_member(member(value, "user"), "id");
        entities.push_back(std::move(entity));
    }
    return entities;
}

struct FileField {
    const char* field;
    const char* kind;
    const char* usual_type;
};
// An animation comes with a document of the same file beside it: the first row that fits counts.
constexpr FileField file_fields[] = {
    {"animation", "video", "video/mp4"},  {"video", "video", "video/mp4"},
    {"video_note", "video", "video/mp4"}, {"voice", "audio", "audio/ogg"},
    {"audio", "audio", "audio/mpeg"},     {"sticker", "sticker", "image/webp"},
    {"document", "document", ""},
};

FileOf read_file(const Json& value, const char* kind, const char* usual_type) {
    FileOf file;
    file.kind = kind;
    file.file_id = text_member(value, "file_id");
    file.mime_type = text_member(value, "mime_type", usual_type);
    file.name = text_member(value, "file_name");
    file.size = static_cast<uint64_t>(std::max<int64_t>(int_member(value, "file_size"), 0));
    return file;
}

std::vector<FileOf> read_files(const Json& message) {
    if (const Json& sizes = member(message, "photo"); sizes.is_array() && !sizes.empty())
        return {read_file(sizes.back(), "image", "image/jpeg")};  // the last is the largest
    for (const FileField& row : file_fields)
        if (const Json& value = member(message, row.field); value.is_object())
            return {read_file(value, row.kind, row.usual_type)};
    return {};
}

std::string coordinates(const Json& location) {
    const Json& latitude = member(location, "latitude");
    const Json& longitude = member(location, "longitude");
    if (!latitude.is_number() || !longitude.is_number()) return {};
    return latitude.dump() + ", " + longitude.dump();
}

std::vector<std::string> read_facts(const Json& message) {
    std::vector<std::string> facts;
    const Json& venue = member(message, "venue");
    if (venue.is_object()) {
        facts.push_back("[Venue: " + text_member(venue, "title") + ", " +
                        text_member(venue, "address") + " (" +
                        coordinates(member(venue, "location")) + ")]");
    } else if (const std::string at = coordinates(member(message, "location")); !at.empty()) {
        facts.push_back("[Location: " + at + "]");
    }
    const Json& contact = member(message, "contact");
    if (contact.is_object())
        facts.push_back("[Contact: " + full_name(contact) + ", " +
                        text_member(contact, "phone_number") + "]");
    const Json& poll = member(message, "poll");
    if (poll.is_object()) facts.push_back("[Poll: " + text_member(poll, "question") + "]");
    return facts;
}

std::string text_of(const Json& message) {
    const std::string text = text_member(message, "text");
    return text.empty() ? text_member(message, "caption") : text;
}

std::optional<Quoted> read_reply(const Json& message, const std::string& thread_id) {
    const Json& replied = member(message, "reply_to_message");
    if (!replied.is_object()) return {};
    // In a topic every message replies to the one that opened it.
    if (member(replied, "forum_topic_created").is_object()) return {};
    Quoted quoted;
    quoted.message_id = id_member(replied, "message_id");
    if (!thread_id.empty() && quoted.message_id == thread_id) return {};
    quoted.from = writer_of(replied);
    const std::string part = text_member(member(message, "quote"), "text");
    quoted.is_partial = !part.empty();
    quoted.text = part.empty() ? text_of(replied) : part;
    if (quoted.text.empty())
        for (const FileOf& file : read_files(replied)) quoted.text = "<media:" + file.kind + ">";
    return quoted;
}

std::string read_forward(const Json& message) {
    const Json& origin = member(message, "forward_origin");
    if (!origin.is_object()) return {};
    std::string who = full_name(member(origin, "sender_user"));
    if (who.empty()) who = text_member(origin, "sender_user_name");
    if (who.empty()) who = text_member(member(origin, "sender_chat"), "title");
    if (who.empty()) who = text_member(member(origin, "chat"), "title");
    if (who.empty()) who = "somebody";
    const int64_t date = int_member(origin, "date");
    return date > 0 ? who + " at " + iso_time(date * 1000) : who;
}

std::string read_thread(const Json& message, const Chat& chat) {
    const std::string thread = id_member(message, "message_thread_id");
    // Where the chat does not say that it is a forum, the message does.
    if (chat.is_forum || bool_member(message, "is_topic_message"))
        return thread.empty() ? general_topic : thread;
    // In an ordinary group it is only the thread of replies.
    return chat.is_private() ? thread : std::string();
}

Message read_message(const Json& value) {
    Message message;
    message.id = id_member(value, "message_id");
    message.chat = read_chat(member(value, "chat"));
    message.from = writer_of(value);
    message.thread_id = read_thread(value, message.chat);
    message.date = int_member(value, "date");
    const bool is_text = !text_member(value, "text").empty();
    message.text = text_of(value);
    message.entities =
        read_entities(member(value, is_text ? "entities" : "caption_entities"), message.text);
    message.media_group_id = id_member(value, "media_group_id");
    message.files = read_files(value);
    message.facts = read_facts(value);
    message.reply = read_reply(value, message.thread_id);
    message.forwarded_from = read_forward(value);
    message.migrated_to = id_member(value, "migrate_to_chat_id");
    message.migrated_from = id_member(value, "migrate_from_chat_id");
    return message;
}

std::vector<std::string> emojis(const Json& list) {
    std::vector<std::string> found;
    if (!list.is_array()) return found;
    for (const Json& reaction : list)
        if (const std::string emoji = text_member(reaction, "emoji"); !emoji.empty())
            found.push_back(emoji);
    return found;
}

std::vector<std::string> without(const std::vector<std::string>& list,
                                 const std::vector<std::string>& taken) {
    std::vector<std::string> rest;
    for (const std::string& text : list)
        if (std::find(taken.begin(), taken.end(), text) == taken.end()) rest.push_back(text);
    return rest;
}

Reaction read_reaction(const Json& value) {
    Reaction reaction;
    reaction.chat = read_chat(member(value, "chat"));
    const Json& as_chat = member(value, "actor_chat");
    if (as_chat.is_object())
        reaction.from = {id_member(as_chat, "id"), text_member(as_chat, "title"), {}, false};
    else
        reaction.from = read_user(member(value, "user"));
    reaction.message_id = id_member(value, "message_id");
    reaction.date = int_member(value, "date");
    const std::vector<std::string> before = emojis(member(value, "old_reaction"));
    const std::vector<std::string> after = emojis(member(value, "new_reaction"));
    reaction.added = without(after, before);
    reaction.removed = without(before, after);
    return reaction;
}

Callback read_callback(const Json& value) {
    Callback callback;
    callback.id = id_member(value, "id");
    callback.from = read_user(member(value, "from"));
    callback.data = text_member(value, "data");
    callback.message = read_message(member(value, "message"));
    return callback;
}

MemberChange read_member(const Json& value) {
    return {read_chat(member(value, "chat")), read_user(member(value, "from")),
            text_member(member(value, "new_chat_member"), "status")};
}

struct KindRow {
    const char* field;
    Update::Kind kind;
    void (*read)(const Json& value, Update& update);
};
constexpr KindRow kinds[] = {
    {"message", Update::Kind::message,
     [](const Json& value, Update& update) { update.message = read_message(value); }},
    {"edited_message", Update::Kind::edited,
     [](const Json& value, Update& update) { update.message = read_message(value); }},
    {"channel_post", Update::Kind::message,
     [](const Json& value, Update& update) { update.message = read_message(value); }},
    {"callback_query", Update::Kind::callback,
     [](const Json& value, Update& update) { update.callback = read_callback(value); }},
    {"message_reaction", Update::Kind::reaction,
     [](const Json& value, Update& update) { update.reaction = read_reaction(value); }},
    {"my_chat_member", Update::Kind::member,
     [](const Json& value, Update& update) { update.member = read_member(value); }},
};

}  // namespace

User read_user(const Json& value) {
    User user;
    user.id = id_member(value, "id");
    user.name = full_name(value);
    user.username = text_member(value, "username");
    user.is_bot = bool_member(value, "is_bot");
    return user;
}

Json allowed_updates() {
    Json list = Json::array();
    for (const KindRow& row : kinds) list.push_back(row.field);
    return list;
}

Result<Update> read_update(const Json& value) {
    const Json& id = member(value, "update_id");
    if (!id.is_number_integer())
        return Error{Fault::bad_message, "an update of Telegram has no update_id"};
    Update update;
    update.id = id.get<int64_t>();
    for (const KindRow& row : kinds) {
        const Json& content = member(value, row.field);
        if (!content.is_object()) continue;
        update.kind = row.kind;
        row.read(content, update);
        break;
    }
    return update;
}

}  // namespace telegram
