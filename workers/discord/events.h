// What the gateway tells, as far as this worker reads it. Pure: JSON in, structures out; a member
// that is missing or of another type reads as empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/common/base/json.h"

namespace discord {

// Types of channels that are told apart.
namespace channel_type {
inline constexpr int dm = 1;
inline constexpr int group_dm = 3;
inline constexpr int news_thread = 10;
inline constexpr int public_thread = 11;
inline constexpr int private_thread = 12;
inline constexpr int forum = 15;
inline constexpr int media = 16;
}  // namespace channel_type
bool is_thread(int type);

struct User {
    std::string id;
    std::string username;
    std::string name;  // as shown
    bool is_bot = false;
};

struct File {
    std::string id;
    std::string name;
    std::string type;
    std::string url;
    uint64_t size = 0;
};

struct Message {
    std::string id;
    std::string channel_id;
    std::string guild_id;  // empty: a direct message
    User author;
    std::vector<std::string> roles;
    std::string content;
    int type = 0;
    int64_t sent_ms = 0;
    bool is_webhook = false;
    std::vector<User> mentions;
    bool says_mentions = true;  // else only the text tells
    bool mentions_roles_or_all = false;
    std::vector<File> files;
    std::vector<std::string> stickers;
    std::string embed_text;
    // Forwarded messages, a text each.
    std::vector<std::string> forwarded;
    std::string reply_to_id;
    std::string reply_to_text;
    User reply_to_author;

    // "text", as of a person: a plain message or a reply.
    bool is_written() const { return type == 0 || type == 19; }
};
Message message_of(const Json& data);

struct Channel {
    std::string id;
    std::string guild_id;
    std::string name;
    std::string parent_id;
    std::string owner_id;  // of a thread: who made it
    int type = 0;
};
Channel channel_of(const Json& data);

struct Guild {
    std::string id;
    std::string name;
    std::vector<Channel> channels;  // threads too
};
Guild guild_of(const Json& data);

struct Reaction {
    std::string channel_id;
    std::string guild_id;
    std::string message_id;
    std::string author_id;  // of the message; empty: not told
    User user;
    std::vector<std::string> roles;
    std::string emoji;
};
Reaction reaction_of(const Json& data);

struct Interaction {
    static constexpr int command = 2;
    static constexpr int component = 3;
    static constexpr int autocomplete = 4;

    std::string id;
    std::string token;
    std::string application_id;
    int type = 0;
    std::string channel_id;
    std::string guild_id;
    User user;
    std::vector<std::string> roles;
    std::string name;                                          // of the command
    std::vector<std::pair<std::string, std::string>> options;  // name, value as text
    // "/model gpt-5 fast"
    std::string text() const;
};
Interaction interaction_of(const Json& data);

User user_of(const Json& data);
// When an id was given out: a snowflake carries its time. 0 for what is none.
int64_t snowflake_ms(std::string_view id);
// The id of something given out at that time, for "after" and "around".
std::string snowflake_at(int64_t wall_ms);

}  // namespace discord
