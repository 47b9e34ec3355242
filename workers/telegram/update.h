// What Telegram tells a bot, read from its JSON: the parts that this worker acts on.
//
// Takes any JSON; what is missing or of another type reads as absent. Text offsets are bytes here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace telegram {

struct Chat {
    std::string id;
    std::string type;  // "private", "group", "supergroup", "channel"
    std::string title;
    bool is_forum = false;

    bool is_group() const { return type == "group" || type == "supergroup"; }
    bool is_private() const { return type == "private"; }
};

struct User {
    std::string id;
    std::string name;
    std::string username;
    bool is_bot = false;
};

struct Entity {
    std::string type;  // "mention", "text_link", "bot_command", …
    size_t begin = 0;  // bytes
    size_t end = 0;
    std::string url;      // of a text_link
    std::string user_id;  // of a text_mention
};

struct FileOf {
    std::string kind;  // "image", "video", "audio", "document", "sticker"
    std::string file_id;
    std::string mime_type;
    std::string name;
    uint64_t size = 0;  // 0: not said
};

struct Quoted {
    std::string message_id;
    std::string text;
    User from;
    bool is_partial = false;  // the writer quoted a part of it
};

struct Message {
    std::string id;
    Chat chat;
    User from;
    std::string thread_id;  // of a topic or of a thread in a private chat; empty: none
    int64_t date = 0;       // seconds since 1970
    std::string text;       // or the caption
    std::vector<Entity> entities;
    std::string media_group_id;
    std::vector<FileOf> files;
    std::vector<std::string> facts;  // "[Location: 48.1, 11.5]"
    std::optional<Quoted> reply;
    std::string forwarded_from;
    std::string migrated_to;    // the id of the supergroup that this group became
    std::string migrated_from;  // the id of the group that this supergroup was
};

struct Reaction {
    Chat chat;
    User from;
    std::string message_id;
    int64_t date = 0;
    std::vector<std::string> added;
    std::vector<std::string> removed;
};

struct Callback {
    std::string id;
    User from;
    std::string data;
    Message message;
};

struct MemberChange {
    Chat chat;
    User by;
    std::string status;  // "member", "administrator", "left", "kicked", …
};

struct Update {
    enum class Kind { other, message, edited, reaction, callback, member };
    int64_t id = 0;
    Kind kind = Kind::other;
    Message message;  // of message and edited
    Reaction reaction;
    Callback callback;
    MemberChange member;
};

// The kinds that Telegram is asked for.
Json allowed_updates();
// bad_message when there is no update_id in it.
Result<Update> read_update(const Json& value);
User read_user(const Json& value);

}  // namespace telegram
