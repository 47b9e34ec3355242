#include "workers/discord/events.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace discord {

namespace {

constexpr int64_t discord_epoch_ms = 1'420'070'400'000;
constexpr int snowflake_shift = 22;

std::vector<std::string> texts_of(const Json& list) {
    std::vector<std::string> texts;
    if (list.is_array())
        for (const Json& entry : list)
            if (entry.is_string() || entry.is_number_integer())
                texts.push_back(entry.is_string() ? entry.get<std::string>() : entry.dump());
    return texts;
}

// "2026-01-31T12:00:00.000000+00:00", always in UTC; 0: not told.
int64_t moment_of(const std::string& iso) {
    tm parts{};
    if (!strptime(iso.c_str(), "%Y-%m-%dT%H:%M:%S", &parts)) return 0;
    return static_cast<int64_t>(timegm(&parts)) * 1000;
}

std::vector<File> files_of(const Json& list) {
    std::vector<File> files;
    if (!list.is_array()) return files;
    for (const Json& entry : list)
        files.push_back({id_member(entry, "id"), text_member(entry, "filename"),
                         text_member(entry, "content_type"), text_member(entry, "url"),
                         static_cast<uint64_t>(std::max<int64_t>(0, int_member(entry, "size")))});
    return files;
}

std::string forwarded_text(const Json& snapshot) {
    const Json& message = member(snapshot, "message");
    std::string text = text_member(message, "content");
    for (const File& file : files_of(member(message, "attachments")))
        text += (text.empty() ? "" : "\n") + ("<file: " + file.name + ">");
    return text;
}

std::string embed_text_of(const Json& embeds) {
    if (!embeds.is_array()) return {};
    for (const Json& embed : embeds)
        if (std::string text = text_member(embed, "description"); !text.empty()) return text;
    return {};
}

std::string option_text(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return print_json(value);
    return {};
}

void read_options(const Json& list, Interaction& interaction) {
    if (!list.is_array()) return;
    for (const Json& option : list)
        interaction.options.emplace_back(text_member(option, "name"),
                                         option_text(member(option, "value")));
}

void read_reply(const Json& data, Message& message) {
    const Json& original = member(data, "referenced_message");
    if (!original.is_object()) {
        // A forward refers to a message too, but answers none.
        const Json& reference = member(data, "message_reference");
        if (message.type == 19) message.reply_to_id = id_member(reference, "message_id");
        return;
    }
    message.reply_to_id = id_member(original, "id");
    message.reply_to_text = text_member(original, "content");
    message.reply_to_author = user_of(member(original, "author"));
}

}  // namespace

bool is_thread(int type) {
    return type >= channel_type::news_thread && type <= channel_type::private_thread;
}

User user_of(const Json& data) {
    User user{id_member(data, "id"), text_member(data, "username"),
              text_member(data, "global_name"), bool_member(data, "bot")};
    if (user.name.empty()) user.name = user.username;
    return user;
}

Message message_of(const Json& data) {
    Message message;
    message.id = id_member(data, "id");
    message.channel_id = id_member(data, "channel_id");
    message.guild_id = id_member(data, "guild_id");
    message.author = user_of(member(data, "author"));
    const Json& membership = member(data, "member");
    if (std::string nick = text_member(membership, "nick"); !nick.empty())
        message.author.name = std::move(nick);
    message.roles = texts_of(member(membership, "roles"));
    message.content = text_member(data, "content");
    message.type = static_cast<int>(int_member(data, "type"));
    message.sent_ms = moment_of(text_member(data, "timestamp"));
    if (message.sent_ms == 0) message.sent_ms = snowflake_ms(message.id);
    message.is_webhook = !id_member(data, "webhook_id").empty();
    const Json& mentions = member(data, "mentions");
    message.says_mentions = mentions.is_array();
    for (const Json& mention : mentions) message.mentions.push_back(user_of(mention));
    const Json& roles = member(data, "mention_roles");
    message.mentions_roles_or_all =
        (roles.is_array() && !roles.empty()) || bool_member(data, "mention_everyone");
    message.files = files_of(member(data, "attachments"));
    for (const Json& sticker : member(data, "sticker_items"))
        message.stickers.push_back(text_member(sticker, "name"));
    message.embed_text = embed_text_of(member(data, "embeds"));
    const Json& snapshots = member(data, "message_snapshots");
    if (snapshots.is_array())
        for (const Json& snapshot : snapshots)
            message.forwarded.push_back(forwarded_text(snapshot));
    read_reply(data, message);
    return message;
}

Channel channel_of(const Json& data) {
    return {id_member(data, "id"),       id_member(data, "guild_id"),
            text_member(data, "name"),   id_member(data, "parent_id"),
            id_member(data, "owner_id"), static_cast<int>(int_member(data, "type"))};
}

Guild guild_of(const Json& data) {
    Guild guild{id_member(data, "id"), text_member(data, "name"), {}};
    for (const char* key : {"channels", "threads"}) {
        const Json& list = member(data, key);
        if (!list.is_array()) continue;
        for (const Json& entry : list) {
            guild.channels.push_back(channel_of(entry));
            guild.channels.back().guild_id = guild.id;
        }
    }
    return guild;
}

Reaction reaction_of(const Json& data) {
    Reaction reaction;
    reaction.channel_id = id_member(data, "channel_id");
    reaction.guild_id = id_member(data, "guild_id");
    reaction.message_id = id_member(data, "message_id");
    reaction.author_id = id_member(data, "message_author_id");
    const Json& membership = member(data, "member");
    reaction.user = user_of(member(membership, "user"));
    reaction.user.id = id_member(data, "user_id");
    reaction.roles = texts_of(member(membership, "roles"));
    const Json& emoji = member(data, "emoji");
    reaction.emoji = text_member(emoji, "name");
    if (const std::string id = id_member(emoji, "id"); !id.empty()) reaction.emoji += ":" + id;
    return reaction;
}

Interaction interaction_of(const Json& data) {
    Interaction interaction;
    interaction.id = id_member(data, "id");
    interaction.token = text_member(data, "token");
    interaction.application_id = id_member(data, "application_id");
    interaction.type = static_cast<int>(int_member(data, "type"));
    interaction.channel_id = id_member(data, "channel_id");
    // Either may be missing.
    if (interaction.channel_id.empty())
        interaction.channel_id = id_member(member(data, "channel"), "id");
    interaction.guild_id = id_member(data, "guild_id");
    const Json& membership = member(data, "member");
    interaction.user =
        user_of(membership.is_object() ? member(membership, "user") : member(data, "user"));
    interaction.roles = texts_of(member(membership, "roles"));
    interaction.name = text_member(member(data, "data"), "name");
    read_options(member_at(data, "data.options"), interaction);
    return interaction;
}

std::string Interaction::text() const {
    std::string text = "/" + name;
    for (const auto& [key, value] : options)
        if (!value.empty()) text += " " + value;
    return text;
}

int64_t snowflake_ms(std::string_view id) {
    uint64_t number = 0;
    const auto [end, fault] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (fault != std::errc() || end != id.data() + id.size()) return 0;
    return static_cast<int64_t>(number >> snowflake_shift) + discord_epoch_ms;
}

std::string snowflake_at(int64_t wall_ms) {
    const int64_t since = std::max<int64_t>(0, wall_ms - discord_epoch_ms);
    return std::to_string(static_cast<uint64_t>(since) << snowflake_shift);
}

}  // namespace discord
