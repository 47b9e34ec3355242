#include "workers/discord/admission.h"

#include <algorithm>

#include "workers/common/channel/media.h"

namespace discord {

namespace {

bool is_id(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

const GuildRules* guild_in(const Settings& settings, const Where& where) {
    const std::string name = slug(where.guild_name);
    for (const std::string& key : {where.guild_id, name, std::string("*")}) {
        const auto found = key.empty() ? settings.guilds.end() : settings.guilds.find(key);
        if (found != settings.guilds.end()) return &found->second;
    }
    return nullptr;
}

// A channel by id, slug or name; a thread's own name is whatever its maker wrote, so only by id,
// and then its parent's.
const ChannelRules* channel_in(const GuildRules& guild, const Where& where) {
    if (!guild.channels) return nullptr;
    std::vector<std::string> keys = {where.channel.id};
    const bool in_thread = is_thread(where.channel.type);
    const Channel& named = in_thread ? where.parent : where.channel;
    if (in_thread) keys.push_back(named.id);
    keys.push_back(slug(named.name));
    keys.push_back(named.name);
    keys.push_back("*");
    for (const std::string& key : keys) {
        const auto found = key.empty() ? guild.channels->end() : guild.channels->find(key);
        if (found != guild.channels->end()) return &found->second;
    }
    return nullptr;
}

bool has_any(const std::vector<std::string>& roles, const std::vector<std::string>& wanted) {
    return std::any_of(roles.begin(), roles.end(), [&](const std::string& role) {
        return std::find(wanted.begin(), wanted.end(), role) != wanted.end();
    });
}

void read_people(const Settings& settings, const People* people, const Sender& sender,
                 PlaceRules& rules) {
    channel::GateRules& gate = rules.gate;
    gate.place_has_own_list = people != nullptr;
    gate.strangers_are_context = true;
    gate.group_allowed = people ? people->users : settings.dm_allowed;
    if (people && has_any(sender.roles, people->roles)) gate.group_allowed.add(sender.id, {});
    rules.lists_nobody = gate.group_allowed.empty() && (!people || people->roles.empty());
    // Without access groups everybody may, where nobody is listed.
    gate.commands_need_list = settings.commands_need_list || !rules.lists_nobody;
}

void choose(const Activation& chosen, const std::string& channel_id, channel::GateRules& gate) {
    if (!chosen || channel_id.empty()) return;
    gate.require_mention = chosen(channel_id).value_or(gate.require_mention);
}

void read_group_dm(const Settings& settings, const Where& where, PlaceRules& rules) {
    const auto& listed = settings.group_dm_channels;
    channel::GateRules& gate = rules.gate;
    gate.place_enabled = settings.dms && settings.group_dms;
    gate.place_listed =
        listed.empty() || std::any_of(listed.begin(), listed.end(), [&](const std::string& entry) {
            return entry == "*" || entry == where.channel.id ||
                   (!where.channel.name.empty() && entry == slug(where.channel.name));
        });
    gate.require_mention = false;
    read_people(settings, nullptr, {}, rules);
}

void read_guild(const Settings& settings, const Bot& bot, const Where& where, const Sender& sender,
                const Activation& chosen, PlaceRules& rules) {
    channel::GateRules& gate = rules.gate;
    const GuildRules* guild = guild_in(settings, where);
    const ChannelRules* channel = guild ? channel_in(*guild, where) : nullptr;
    const bool is_listed = guild && (!guild->channels || (channel && channel->allowed));
    const bool is_open = settings.group_policy == channel::GroupPolicy::open;
    gate.place_listed = is_open ? settings.guilds.empty() || is_listed : is_listed;
    gate.place_enabled = !channel || channel->enabled;
    gate.require_mention = channel && channel->require_mention
                               ? *channel->require_mention
                               : !guild || guild->require_mention.value_or(true);
    choose(chosen, where.parent.id, gate);
    // The bot has opened the thread for the question it stands for.
    if (channel && channel->auto_thread && is_thread(where.channel.type) &&
        where.channel.owner_id == bot.id)
        gate.require_mention = false;
    const People* people = channel && channel->people ? &*channel->people
                           : guild && guild->people   ? &*guild->people
                                                      : nullptr;
    read_people(settings, people, sender, rules);
    if (guild) rules.reactions = guild->reactions;
    if (!channel) return;
    rules.skills = channel->skills;
    rules.system_prompt = channel->system_prompt;
    rules.auto_thread = channel->auto_thread && !is_thread(where.channel.type);
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
    for (size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

void trim(std::string& text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
    while (!text.empty() && is_blank(text.back())) text.pop_back();
    text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_blank));
}

// "<media:image> (2 images)" for what was sent without a word.
std::string placeholder(const std::vector<File>& files) {
    if (files.empty()) return {};
    const bool are_images = std::all_of(files.begin(), files.end(), [](const File& file) {
        return channel::family_of(file.type) == "image";
    });
    const std::string count = std::to_string(files.size());
    const std::string many = files.size() == 1 ? "" : "s";
    return are_images ? "<media:image> (" + count + " image" + many + ")"
                      : "<media:document> (" + count + " file" + many + ")";
}

void add_line(std::string& text, const std::string& line) {
    text += (text.empty() ? "" : "\n") + line;
}

}  // namespace

bool needs_guild_name(const Settings& settings, const std::string& guild_id) {
    if (settings.guilds.count(guild_id)) return false;
    return std::any_of(settings.guilds.begin(), settings.guilds.end(),
                       [](const auto& entry) { return entry.first != "*" && !is_id(entry.first); });
}

PlaceRules rules_for(const Settings& settings, const Bot& bot, const channel::AllowList& paired,
                     const Where& where, const Sender& sender, const Activation& chosen) {
    PlaceRules rules;
    channel::GateRules& gate = rules.gate;
    gate.dm = settings.dms ? settings.dm_policy : channel::DmPolicy::disabled;
    // What "allowlist" asks of a server is in place_listed.
    gate.group = settings.group_policy == channel::GroupPolicy::disabled
                     ? channel::GroupPolicy::disabled
                     : channel::GroupPolicy::open;
    gate.dm_allowed = settings.dm_allowed;
    gate.paired = paired;
    gate.names_match = settings.names_match;
    gate.commands_need_list = settings.commands_need_list;
    if (!where.guild_id.empty())
        read_guild(settings, bot, where, sender, chosen, rules);
    else if (where.channel.type == channel_type::group_dm)
        read_group_dm(settings, where, rules);
    if (!where.is_direct()) choose(chosen, where.channel.id, gate);
    return rules;
}

Addressing addressing_of(const Message& message, const Bot& bot) {
    Addressing made;
    made.text = message.content;
    for (const std::string& own : {"<@" + bot.id + ">", "<@!" + bot.id + ">"}) {
        if (!message.says_mentions && made.text.find(own) != std::string::npos)
            made.was_mentioned = true;
        replace_all(made.text, own, "");
    }
    for (const User& user : message.mentions) {
        if (user.id == bot.id) {
            made.was_mentioned = true;
            continue;
        }
        made.mentions_others = true;
        replace_all(made.text, "<@" + user.id + ">", "@" + user.name);
        replace_all(made.text, "<@!" + user.id + ">", "@" + user.name);
    }
    made.mentions_others |= message.mentions_roles_or_all;
    if (!message.reply_to_author.id.empty() && message.reply_to_author.id == bot.id)
        made.was_mentioned = true;
    trim(made.text);
    made.is_command = made.text.size() > 1 && made.text[0] == '/' &&
                      ((made.text[1] | 32) >= 'a' && (made.text[1] | 32) <= 'z');
    if (made.text.empty()) made.text = placeholder(message.files);
    if (made.text.empty()) made.text = message.embed_text;
    for (const std::string& sticker : message.stickers)
        add_line(made.text, "<sticker: " + sticker + ">");
    for (const std::string& forwarded : message.forwarded)
        add_line(made.text, "[Forwarded message]\n" + forwarded);
    return made;
}

std::string without_invisible(std::string_view text) {
    std::string made;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto third = i + 2 < text.size() ? static_cast<unsigned char>(text[i + 2]) : 0;
        const bool is_80 = text.substr(i, 2) == "\xe2\x80";
        const bool is_81 = text.substr(i, 2) == "\xe2\x81";
        if ((is_80 && ((third >= 0x8b && third <= 0x8f) || (third >= 0xaa && third <= 0xae))) ||
            (is_81 && third >= 0xa0 && third <= 0xaf))
            i += 2;
        else
            made += text[i];
    }
    return made;
}

}  // namespace discord
