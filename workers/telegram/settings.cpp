#include "workers/telegram/settings.h"

#include <algorithm>

namespace telegram {

namespace {

using channel::AllowList;

constexpr size_t hardest_chunk_limit = 4096;
constexpr size_t most_history = 500;
constexpr double longest_call_seconds = 500;
constexpr double most_tries_of_all = 10;

const std::initializer_list<std::string_view> id_prefixes = {"telegram:", "tg:"};

AllowList list_of(const Json& entries) {
    return AllowList(entries, id_prefixes);
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

std::optional<bool> flag_of(const Json& value, std::string_view key) {
    const Json& flag = member(value, key);
    if (!flag.is_boolean()) return {};
    return flag.get<bool>();
}

PlaceSettings place_of(const Json& value) {
    PlaceSettings place;
    place.enabled = flag_of(value, "enabled");
    place.require_mention = flag_of(value, "requireMention");
    if (const Json& allowed = member(value, "allowFrom"); allowed.is_array())
        place.allowed = list_of(allowed);
    for (const Json& skill : member(value, "skills"))
        if (skill.is_string()) place.skills.push_back(skill.get<std::string>());
    place.system_prompt = text_member(value, "systemPrompt");
    const Json& topics = member(value, "topics");
    if (topics.is_object())
        for (const auto& [id, topic] : topics.items()) place.topics[id] = place_of(topic);
    return place;
}

StreamMode stream_of(const std::string& text) {
    if (text == "off") return StreamMode::off;
    return text == "block" ? StreamMode::block : StreamMode::partial;
}

ReplyToMode reply_of(const std::string& text) {
    if (text == "off") return ReplyToMode::off;
    return text == "all" ? ReplyToMode::all : ReplyToMode::first;
}

ReactionNotices notices_of(const std::string& text) {
    if (text == "off") return ReactionNotices::off;
    return text == "all" ? ReactionNotices::all : ReactionNotices::own;
}

void read_access(const Json& config, const Section& section, Settings& settings) {
    settings.dm_policy = channel::dm_policy(section.text("dmPolicy"));
    const std::string usual = text_member(member_at(config, "channels.defaults"), "groupPolicy");
    settings.group_policy =
        channel::group_policy(section.text("groupPolicy"), channel::group_policy(usual));
    settings.dm_allowed = list_of(section.get("allowFrom"));
    settings.group_allowed = section.get("groupAllowFrom").is_array()
                                 ? list_of(section.get("groupAllowFrom"))
                                 : settings.dm_allowed;
    settings.commands_need_list = bool_member(member(config, "commands"), "useAccessGroups", true);
    const Json& groups = section.get("groups");
    if (!groups.is_object()) return;
    settings.groups.emplace();
    for (const auto& [id, group] : groups.items()) (*settings.groups)[id] = place_of(group);
}

void read_replies(const Section& section, Settings& settings) {
    const double limit = section.number("textChunkLimit", 4000);
    settings.text_chunk_limit =
        limit < 1 ? 4000 : static_cast<size_t>(std::min<double>(limit, hardest_chunk_limit));
    settings.chunk_by_paragraph = section.text("chunkMode") == "newline";
    settings.reply_to = reply_of(section.text("replyToMode"));
    settings.stream = stream_of(section.text("streamMode"));
    settings.link_preview = section.flag("linkPreview", true);
    // getFile of the Bot API gives out no more than 20 MB.
    const double megabytes = std::clamp<double>(section.number("mediaMaxMb", 5), 0.001, 20);
    settings.media_most_bytes = static_cast<uint64_t>(megabytes * (1 << 20));
}

void read_requests(const Section& section, Settings& settings) {
    const double seconds = section.number("timeoutSeconds", 30);
    settings.call_timeout = std::chrono::seconds(
        static_cast<int>(std::clamp<double>(seconds, 1, longest_call_seconds)));
    const int64_t tries = int_member(section.get("retry"), "attempts", 3);
    settings.most_tries =
        static_cast<int>(std::clamp<double>(static_cast<double>(tries), 1, most_tries_of_all));
}

// "auto" is on.
bool native_of(const Json& config, const Section& section) {
    const Json& own = member(section.get("commands"), "native");
    const Json& usual = member(member(config, "commands"), "native");
    const Json& value = own.is_null() ? usual : own;
    return !value.is_boolean() || value.get<bool>();
}

void read_actions(const Json& config, const Section& section, Settings& settings) {
    settings.native_commands = native_of(config, section);
    for (const Json& command : section.get("customCommands"))
        settings.custom_commands.push_back(
            {text_member(command, "command"), text_member(command, "description")});
    settings.reactions_allowed = bool_member(section.get("actions"), "reactions", true);
    settings.deletes_allowed = bool_member(section.get("actions"), "deleteMessage", true);
    settings.reaction_notices = notices_of(section.text("reactionNotifications"));
}

size_t history_of(const Json& config, const Section& section) {
    const double usual = member_at(config, "messages.groupChat.historyLimit").is_number()
                             ? member_at(config, "messages.groupChat.historyLimit").get<double>()
                             : 50;
    return static_cast<size_t>(
        std::clamp<double>(section.number("historyLimit", usual), 0, most_history));
}

std::string variable(const Variables& variables, const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
}

void remark_names(const char* key, const AllowList& list, Settings& settings) {
    if (settings.names_match || list.names().empty()) return;
    settings.remarks.push_back(
        std::string("channels.telegram.") + key + ": \"" + list.names().front() +
        "\" is no numeric id and lets nobody in, because names change hands; write the person's "
        "numeric id, or set HARDSHELL_ALLOW_NAMES=1");
}

void remark(const Section& section, Settings& settings) {
    remark_names("allowFrom", settings.dm_allowed, settings);
    if (section.get("groupAllowFrom").is_array())
        remark_names("groupAllowFrom", settings.group_allowed, settings);
    if (!section.text("proxy").empty())
        settings.remarks.push_back(
            "channels.telegram.proxy is not used: Telegram is reached directly");
    if (section.get("network").is_object() && !section.get("network").empty())
        settings.remarks.push_back(
            "channels.telegram.network is not used: every address of Telegram's is tried, of "
            "either family");
    for (const char* key : {"minDelayMs", "maxDelayMs", "jitter"})
        if (!member(section.get("retry"), key).is_null())
            settings.remarks.push_back(std::string("channels.telegram.retry.") + key +
                                       " is not used: how long is waited goes by what Telegram "
                                       "says");
}

// The values of one place before those of another that holds where the first is silent.
PlaceSettings over(const PlaceSettings& first, const PlaceSettings& second) {
    PlaceSettings both = first;
    if (!both.enabled) both.enabled = second.enabled;
    if (!both.require_mention) both.require_mention = second.require_mention;
    if (!both.allowed) both.allowed = second.allowed;
    if (both.skills.empty()) both.skills = second.skills;
    return both;
}

}  // namespace

Settings read_settings(const Json& config, const std::string& account, const Variables& variables) {
    Settings settings;
    const Json& channel = member_at(config, "channels.telegram");
    const Section section(channel, account);
    read_access(config, section, settings);
    read_replies(section, settings);
    read_actions(config, section, settings);
    read_requests(section, settings);
    settings.history_limit = history_of(config, section);
    settings.webhook_url = section.text("webhookUrl");
    settings.webhook_path = section.text("webhookPath", settings.webhook_path);
    settings.names_match = variable(variables, "HARDSHELL_ALLOW_NAMES") == "1";
    if (std::string url = variable(variables, "HARDSHELL_TELEGRAM_API_URL"); !url.empty()) {
        while (url.ends_with('/')) url.pop_back();
        settings.api_url = std::move(url);
    }
    remark(section, settings);
    return settings;
}

bool follow_group(Settings& settings, const std::string& from, const std::string& to) {
    if (!settings.groups) return false;
    const auto own = settings.groups->find(from);
    return own != settings.groups->end() && settings.groups->emplace(to, own->second).second;
}

PlaceRules rules_for(const Settings& settings, const AllowList& paired, std::string_view chat_id,
                     std::string_view topic_id) {
    PlaceRules rules;
    channel::GateRules& gate = rules.gate;
    gate.dm = settings.dm_policy;
    gate.group = settings.group_policy;
    gate.dm_allowed = settings.dm_allowed;
    gate.group_allowed = settings.group_allowed;
    gate.paired = paired;
    gate.commands_need_list = settings.commands_need_list;
    gate.names_match = settings.names_match;
    if (!settings.groups) return rules;
    const auto& groups = *settings.groups;
    const auto usual = groups.find("*");
    const auto own = groups.find(std::string(chat_id));
    gate.place_listed = usual != groups.end() || own != groups.end();
    PlaceSettings place;
    if (gate.place_listed) place = own != groups.end() ? own->second : usual->second;
    std::string topic_prompt;
    if (const auto topic = place.topics.find(std::string(topic_id)); topic != place.topics.end()) {
        topic_prompt = topic->second.system_prompt;
        const bool enabled = place.enabled.value_or(true) && topic->second.enabled.value_or(true);
        std::string chat_prompt = std::move(place.system_prompt);
        place = over(topic->second, place);
        place.enabled = enabled;
        place.system_prompt = std::move(chat_prompt);
    }
    if (!place.require_mention && usual != groups.end())
        place.require_mention = usual->second.require_mention;
    gate.place_enabled = place.enabled.value_or(true);
    gate.require_mention = place.require_mention.value_or(true);
    gate.place_has_own_list = place.allowed.has_value();
    if (place.allowed) gate.group_allowed = *place.allowed;
    rules.skills = place.skills;
    rules.system_prompt = place.system_prompt;
    if (!topic_prompt.empty()) {
        if (!rules.system_prompt.empty()) rules.system_prompt += "\n\n";
        rules.system_prompt += topic_prompt;
    }
    return rules;
}

}  // namespace telegram
