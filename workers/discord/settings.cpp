#include "workers/discord/settings.h"

#include <algorithm>

#include "workers/common/endpoint.h"
#include "workers/discord/intents.h"

namespace discord {

namespace {

using channel::AllowList;

constexpr size_t hardest_chunk_limit = 2000;
constexpr size_t most_history = 200;
constexpr double most_media_megabytes = 100;

const std::initializer_list<std::string_view> id_prefixes = {"discord:", "user:", "<@!", "<@"};

// "<@!1>" is what people copy.
std::string without_bracket(std::string text) {
    if (text.starts_with("<@") && text.ends_with('>')) text.pop_back();
    return text;
}

People people_of(const Json& entries) {
    People people;
    if (!entries.is_array()) return people;
    for (const Json& entry : entries) {
        std::string text = entry.is_string()           ? entry.get<std::string>()
                           : entry.is_number_integer() ? entry.dump()
                                                       : std::string();
        text = without_bracket(std::move(text));
        if (text.starts_with("role:"))
            people.roles.push_back(text.substr(5));
        else if (text.starts_with("<@&"))
            people.roles.push_back(text.substr(3));
        else
            people.users.add(text, id_prefixes);
    }
    return people;
}

// The account's value, else the channel's.
class Section {
  public:
    Section(const Json& channel, const std::string& account)
        : channel_(channel), account_(member(member(channel, "accounts"), account)) {}

    const Json& get(std::string_view key) const {
        const Json& own = member(account_, key);
        return own.is_null() ? member(channel_, key) : own;
    }
    std::string text(std::string_view key, std::string_view fallback = {}) const {
        const Json& value = get(key);
        return value.is_string() ? value.get<std::string>() : std::string(fallback);
    }
    bool flag(std::string_view key, bool fallback) const {
        const Json& value = get(key);
        return value.is_boolean() ? value.get<bool>() : fallback;
    }
    double number(std::string_view key, double fallback) const {
        const Json& value = get(key);
        return value.is_number() ? value.get<double>() : fallback;
    }

  private:
    const Json& channel_;
    const Json& account_;
};

template <typename Value>
struct Word {
    std::string_view text;
    Value value;
};

template <typename Value, size_t Count>
Value named(const Word<Value> (&words)[Count], std::string_view text, Value fallback) {
    for (const auto& word : words)
        if (word.text == text) return word.value;
    return fallback;
}

constexpr Word<ReactionNotices> reaction_words[] = {{"off", ReactionNotices::off},
                                                    {"own", ReactionNotices::own},
                                                    {"all", ReactionNotices::all},
                                                    {"allowlist", ReactionNotices::allowlist}};
std::optional<bool> flag_of(const Json& value, std::string_view key) {
    const Json& flag = member(value, key);
    if (!flag.is_boolean()) return {};
    return flag.get<bool>();
}

std::optional<People> people_at(const Json& value) {
    const Json& users = member(value, "users");
    if (!users.is_array()) return {};
    return people_of(users);
}

ChannelRules channel_rules_of(const Json& value) {
    ChannelRules rules;
    rules.allowed = bool_member(value, "allow", true);
    rules.enabled = bool_member(value, "enabled", true);
    rules.require_mention = flag_of(value, "requireMention");
    rules.people = people_at(value);
    for (const Json& skill : member(value, "skills"))
        if (skill.is_string()) rules.skills.push_back(skill.get<std::string>());
    rules.system_prompt = text_member(value, "systemPrompt");
    rules.auto_thread = bool_member(value, "autoThread");
    return rules;
}

GuildRules guild_of(const Json& value) {
    GuildRules rules;
    rules.require_mention = flag_of(value, "requireMention");
    rules.people = people_at(value);
    rules.reactions =
        named(reaction_words, text_view(value, "reactionNotifications"), ReactionNotices::own);
    const Json& channels = member(value, "channels");
    if (!channels.is_object() || channels.empty()) return rules;
    rules.channels.emplace();
    for (const auto& [key, entry] : channels.items())
        (*rules.channels)[key.starts_with('#') ? slug(key) : key] = channel_rules_of(entry);
    return rules;
}

void read_access(const Json& config, const Section& section, Settings& settings) {
    settings.allow_bots = section.flag("allowBots", false);
    const std::string usual = text_member(member_at(config, "channels.defaults"), "groupPolicy");
    settings.group_policy =
        channel::group_policy(section.text("groupPolicy"), channel::group_policy(usual));
    const Json& dm = section.get("dm");
    settings.dms = bool_member(dm, "enabled", true);
    settings.dm_policy = channel::dm_policy(text_view(dm, "policy"));
    settings.dm_allowed = people_of(member(dm, "allowFrom")).users;
    settings.group_dms = bool_member(dm, "groupEnabled");
    for (const Json& entry : member(dm, "groupChannels")) {
        if (entry.is_string()) settings.group_dm_channels.push_back(entry.get<std::string>());
        if (entry.is_number_integer()) settings.group_dm_channels.push_back(entry.dump());
    }
    settings.commands_need_list = bool_member(member(config, "commands"), "useAccessGroups", true);
    const Json& guilds = section.get("guilds");
    if (!guilds.is_object()) return;
    for (const auto& [key, guild] : guilds.items()) {
        settings.guilds[key] = guild_of(guild);
        if (const std::string own = text_member(guild, "slug"); !own.empty())
            settings.guilds[own] = guild_of(guild);
    }
}

void read_replies(const Json& config, const Section& section, Settings& settings) {
    const double limit = section.number("textChunkLimit", hardest_chunk_limit);
    settings.text_chunk_limit =
        limit < 1 ? hardest_chunk_limit
                  : static_cast<size_t>(std::min<double>(limit, hardest_chunk_limit));
    settings.lines_per_message =
        static_cast<size_t>(std::clamp<double>(section.number("maxLinesPerMessage", 17), 1, 2000));
    settings.chunk_by_paragraph = section.text("chunkMode") == "newline";
    settings.media_most_bytes = static_cast<uint64_t>(
        std::clamp<double>(section.number("mediaMaxMb", 8), 0.001, most_media_megabytes) *
        (1 << 20));
    settings.tables_as_code = text_view(section.get("markdown"), "tables") != "off";
    const Json& usual = member_at(config, "messages.groupChat.historyLimit");
    settings.history_limit = static_cast<size_t>(std::clamp<double>(
        section.number("historyLimit", usual.is_number() ? usual.get<double>() : 20), 0,
        most_history));
}

// "auto" is on; the channel's word goes before the general one.
void read_commands(const Json& config, const Section& section, Settings& settings) {
    const Json& own = member(section.get("commands"), "native");
    const Json& usual = member(member(config, "commands"), "native");
    const Json& value = own.is_null() ? usual : own;
    settings.native_commands = !value.is_boolean() || value.get<bool>();
    settings.clears_commands = !settings.native_commands;
    settings.reactions_allowed = bool_member(section.get("actions"), "reactions", true);
}

void read_retry(const Section& section, Settings& settings) {
    const Json& retry = section.get("retry");
    settings.retry_attempts =
        static_cast<int>(std::clamp<int64_t>(int_member(retry, "attempts", 3), 1, 10));
    settings.retry_least_ms =
        static_cast<uint32_t>(std::clamp<int64_t>(int_member(retry, "minDelayMs", 500), 1, 60'000));
    settings.retry_most_ms = static_cast<uint32_t>(std::clamp<int64_t>(
        int_member(retry, "maxDelayMs", 30'000), settings.retry_least_ms, 600'000));
}

std::string variable(const Variables& variables, const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
}

void read_variables(const Variables& variables, Settings& settings) {
    settings.names_match = variable(variables, "HARDSHELL_ALLOW_NAMES") == "1";
    settings.gateway_url = variable(variables, "HARDSHELL_DISCORD_GATEWAY_URL");
    std::string url = variable(variables, "HARDSHELL_DISCORD_API_URL");
    while (url.ends_with('/')) url.pop_back();
    if (url.empty()) return;
    settings.api_url = std::move(url);
    if (const Result<Endpoint> endpoint = parse_endpoint(settings.api_url); endpoint)
        settings.media_hosts.push_back(endpoint->host);
}

void remark_names(const std::string& key, const AllowList& list, Settings& settings) {
    if (settings.names_match || list.names().empty()) return;
    settings.remarks.push_back(key + ": \"" + list.names().front() +
                               "\" is no numeric id and lets nobody in, because names change "
                               "hands; write the person's numeric id, or set "
                               "HARDSHELL_ALLOW_NAMES=1");
}

void remark(Settings& settings) {
    remark_names("channels.discord.dm.allowFrom", settings.dm_allowed, settings);
    for (const auto& [key, guild] : settings.guilds) {
        const std::string place = "channels.discord.guilds." + key;
        if (guild.people) remark_names(place + ".users", guild.people->users, settings);
        if (!guild.channels) continue;
        for (const auto& [name, rules] : *guild.channels)
            if (rules.people)
                remark_names(place + ".channels." + name + ".users", rules.people->users, settings);
    }
    if (settings.guilds.empty() && settings.group_policy == channel::GroupPolicy::allowlist)
        settings.remarks.push_back(
            "no server is listed in channels.discord.guilds, so only direct messages are "
            "answered; list a server, or set channels.discord.groupPolicy to \"open\"");
}

}  // namespace

std::string normal_token(std::string_view text) {
    const auto trim = [&] {
        while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ')
            text.remove_prefix(1);
        while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ')
            text.remove_suffix(1);
    };
    trim();
    if (text.size() > 4 && (text[0] | 32) == 'b' && (text[1] | 32) == 'o' &&
        (text[2] | 32) == 't' && text[3] == ' ')
        text.remove_prefix(4);
    trim();
    return std::string(text);
}

std::string slug(std::string_view name) {
    std::string made;
    for (const char c : name) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9'))
            made += lower;
        else if (!made.empty() && made.back() != '-')
            made += '-';
    }
    while (made.ends_with('-')) made.pop_back();
    return made;
}

Settings read_settings(const Json& config, const std::string& account, const Variables& variables) {
    Settings settings;
    const Section section(member_at(config, "channels.discord"), account);
    read_access(config, section, settings);
    read_replies(config, section, settings);
    read_commands(config, section, settings);
    read_retry(section, settings);
    const Json& extra = section.get("intents");
    settings.intents =
        intents_for(bool_member(extra, "guildMembers"), bool_member(extra, "presence"));
    read_variables(variables, settings);
    remark(settings);
    return settings;
}

}  // namespace discord
