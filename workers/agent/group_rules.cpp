#include "workers/agent/group_rules.h"

#include <algorithm>

#include "workers/agent/channels/account.h"
#include "workers/agent/ids.h"

namespace agent {

namespace {

const Json nothing_said;

std::string_view part_of_key(std::string_view& rest) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    const std::string_view part = rest.substr(0, colon);
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    return part;
}

bool is_number_text(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "#General Talk" is "general-talk", as Discord's keys have it.
std::string slug_of_title(std::string_view title) {
    while (title.starts_with('#')) title.remove_prefix(1);
    std::string slug = lower_case(trimmed(title));
    std::replace(slug.begin(), slug.end(), ' ', '-');
    return slug;
}

// Keys of session keys are lower case; those of the configuration need not be.
const Json& entry_named(const Json& entries, std::string_view name) {
    if (name.empty() || !entries.is_object()) return nothing_said;
    for (const auto& [key, value] : entries.items())
        if (lower_case(key) == lower_case(name)) return value;
    return nothing_said;
}

// "-1001234": a title that looks like it is not that chat.
bool is_id(std::string_view key) {
    if (key.starts_with('-')) key.remove_prefix(1);
    return is_number_text(key);
}

// By id, by that of the chat it hangs on, by name where keys may be names: whoever makes a group of
// Telegram's calls it what he likes.
const Json& entry_of_place(const Json& entries, const GroupPlace& place) {
    for (const std::string& id : {place.id, place.parent})
        if (const Json& entry = entry_named(entries, id); !entry.is_null()) return entry;
    const std::string slug = slug_of_title(place.title);
    if (!slug.empty() && place.channel != "telegram" && entries.is_object())
        for (const auto& [key, value] : entries.items())
            if (!is_id(key) && slug_of_title(key) == slug) return value;
    return nothing_said;
}

const Json& rule_of_sender(const Json& entry, const std::string& sender) {
    const Json& by_sender = member(entry, "toolsBySender");
    if (!by_sender.is_object()) return nothing_said;
    if (!sender.empty())
        for (const auto& [key, rule] : by_sender.items())
            if (key == sender || (key.starts_with('@') && key.substr(1) == sender)) return rule;
    return member(by_sender, "*");
}

// The first that is there.
const Json& rule_of(std::initializer_list<const Json*> entries, const std::string& sender) {
    for (const Json* entry : entries) {
        if (const Json& rule = rule_of_sender(*entry, sender); rule.is_object()) return rule;
        if (const Json& rule = member(*entry, "tools"); rule.is_object()) return rule;
    }
    return nothing_said;
}

// A guild whose entry has a name instead of a number may be any of those: all of them count.
std::vector<const Json*> guilds_for(const Json& guilds, const GroupPlace& place) {
    std::vector<const Json*> found;
    if (!guilds.is_object()) return found;
    if (const Json& own = entry_named(guilds, place.guild); !own.is_null()) return {&own};
    for (const auto& [key, guild] : guilds.items())
        if (key != "*" && (place.guild.empty() || !is_number_text(key))) found.push_back(&guild);
    const auto knows_it = [&](const Json* guild) {
        return !entry_named(member(*guild, "channels"), place.id).is_null();
    };
    if (const auto one = std::find_if(found.begin(), found.end(), knows_it); one != found.end())
        return {*one};
    if (const Json& all = member(guilds, "*"); !all.is_null()) found.push_back(&all);
    return found;
}

bool says_by_sender(const Json& value) {
    if (!value.is_structured()) return false;
    if (value.is_object() && !member(value, "toolsBySender").empty()) return true;
    return std::any_of(value.begin(), value.end(), says_by_sender);
}

}  // namespace

GroupPlace group_in(std::string_view session_key) {
    if (part_of_key(session_key) != "agent") return {};
    part_of_key(session_key);
    GroupPlace place;
    place.channel = part_of_key(session_key);
    const std::string_view kind = part_of_key(session_key);
    place.id = part_of_key(session_key);
    if ((kind != "group" && kind != "channel") || place.id.empty()) return {};
    return place;
}

GroupPlace group_of(std::string_view session_key, const Json& entry) {
    GroupPlace place = group_in(session_key);
    if (place.channel.empty()) return place;
    place.account = text_member(entry, "lastAccountId", place.account);
    place.guild = text_member(entry, "space");
    place.parent = text_member(entry, "groupParentId");
    place.title = text_member(entry, "subject");
    return place;
}

std::vector<const Json*> group_layers(const Json& config, const GroupPlace& place,
                                      const std::string& sender) {
    std::vector<const Json*> layers;
    if (place.channel.empty()) return layers;
    const ChannelAccount account{place.channel, place.account};
    const auto add = [&](std::initializer_list<const Json*> entries) {
        if (const Json& rule = rule_of(entries, sender); rule.is_object()) layers.push_back(&rule);
        if (!sender.empty()) return;
        // A turn that nobody wrote may be on behalf of any of them.
        for (const Json* entry : entries)
            for (const Json& rule : member(*entry, "toolsBySender"))
                if (rule.is_object()) layers.push_back(&rule);
    };
    for (const char* key : {"groups", "channels"}) {
        const Json& entries = channel_setting(config, account, key);
        if (entries.is_object()) add({&entry_of_place(entries, place), &member(entries, "*")});
    }
    for (const Json* guild : guilds_for(channel_setting(config, account, "guilds"), place)) {
        const Json& channels = member(*guild, "channels");
        const Json& own = entry_of_place(channels, place);
        add({own.is_null() ? &member(channels, "*") : &own, guild});
    }
    return layers;
}

bool needs_mention(const Json& config, const GroupPlace& place) {
    const ChannelAccount account{place.channel, place.account};
    const auto said = [](const Json& entry) { return member(entry, "requireMention"); };
    for (const char* key : {"groups", "channels"}) {
        const Json& entries = channel_setting(config, account, key);
        for (const Json* entry : {&entry_of_place(entries, place), &member(entries, "*")})
            if (const Json flag = said(*entry); flag.is_boolean()) return flag.get<bool>();
    }
    for (const Json* guild : guilds_for(channel_setting(config, account, "guilds"), place))
        for (const Json* entry : {&entry_of_place(member(*guild, "channels"), place), guild})
            if (const Json flag = said(*entry); flag.is_boolean()) return flag.get<bool>();
    return true;
}

bool rules_by_sender(const Json& config, std::string_view channel) {
    return says_by_sender(member(member(config, "channels"), std::string(channel)));
}

}  // namespace agent
