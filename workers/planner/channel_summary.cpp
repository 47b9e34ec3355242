#include "workers/planner/channel_summary.h"

#include <algorithm>
#include <iterator>

#include "workers/planner/workers_table.h"

namespace planner {

namespace {

struct Token {
    std::string_view channel;
    const char* shown;  // what clients call its source
    const char* key;
    const char* file_key;
    std::string_view variable;  // for the default account
};
constexpr Token tokens[] = {
    // channel, shown as, key, key of a file, variable
    {"telegram", "tokenSource", "botToken", "tokenFile", "TELEGRAM_BOT_TOKEN"},
    {"discord", "tokenSource", "token", "", "DISCORD_BOT_TOKEN"},
    {"slack", "botTokenSource", "botToken", "", "SLACK_BOT_TOKEN"},
    {"slack", "appTokenSource", "appToken", "", "SLACK_APP_TOKEN"},
};
constexpr const char* default_account = "default";

// An account's section, before the channel's own for the default account.
struct Sections {
    const Json& account;
    const Json& channel;
    bool is_default;
};

std::string source_of(const Token& token, const Sections& sections,
                      const Environment& environment) {
    for (const Json* section : {&sections.account, &sections.channel}) {
        if (section == &sections.channel && !sections.is_default) break;
        if (!text_member(*section, token.file_key).empty()) return "tokenFile";
        if (!text_member(*section, token.key).empty()) return "config";
    }
    return sections.is_default && !environment.get(token.variable).empty() ? "env" : "none";
}

const Json& setting(const Sections& sections, const char* key) {
    const Json& own = member(sections.account, key);
    return own.is_null() ? member(sections.channel, key) : own;
}

// Slack over HTTP needs no token for a socket.
bool is_needed(const Token& token, const Sections& sections) {
    const Json& mode = setting(sections, "mode");
    return std::string_view(token.key) != "appToken" || mode != "http";
}

Json account_facts(const ChannelKind& channel, const Sections& sections,
                   const Environment& environment) {
    Json facts = Json::object();
    if (const std::string name = text_member(sections.account, "name"); !name.empty())
        facts["name"] = name;
    facts["enabled"] = bool_member(sections.channel, "enabled", true) &&
                       bool_member(sections.account, "enabled", true);
    bool configured = true;
    for (const Token& token : tokens) {
        if (token.channel != channel.id) continue;
        const std::string source = source_of(token, sections, environment);
        facts[token.shown] = source;
        if (source == "none" && is_needed(token, sections)) configured = false;
    }
    facts["configured"] = configured;
    if (channel.id == "telegram")
        facts["mode"] = setting(sections, "webhookUrl").is_string() ? "webhook" : "polling";
    return facts;
}

bool is_plugin_off(const Json& config, std::string_view channel) {
    const Json& plugins = member(config, "plugins");
    const Json& denied = member(plugins, "deny");
    return !bool_member(plugins, "enabled", true) ||
           !bool_member(member(member(plugins, "entries"), channel), "enabled", true) ||
           (denied.is_array() && std::find(denied.begin(), denied.end(), Json(channel)) !=
                                     denied.end());
}

Json summary_of(const ChannelKind& channel, const Json& section, const Environment& environment) {
    Json accounts = Json::object();
    const Json& listed = member(section, "accounts");
    if (listed.is_object())
        for (const auto& [id, account] : listed.items())
            accounts[id] =
                account_facts(channel, {account, section, id == default_account}, environment);
    if (accounts.empty())
        accounts[default_account] = account_facts(channel, {Json(), section, true}, environment);
    std::string usual = accounts.begin().key();
    for (const auto& [id, facts] : accounts.items()) usual = std::min(usual, id);
    if (accounts.contains(default_account)) usual = default_account;
    return {{"defaultAccount", usual}, {"accounts", std::move(accounts)}};
}

// Whether there was one.
bool erase_text(Json& section, const char* key) {
    if (!section.is_object() || !section.contains(key)) return false;
    const bool was_set = !text_member(section, key).empty();
    section.erase(key);
    return was_set;
}

}  // namespace

Json channel_summary(const Json& config, const Environment& environment) {
    Json summary = Json::object();
    for (size_t index = 0; index < channel_count; ++index) {
        const ChannelKind& channel = channels[index];
        const Json& section = member(member(config, "channels"), channel.id);
        const bool asked_for = (section.is_object() && !section.empty()) ||
                               environment.first_of(channel.token_variables) != nullptr;
        if (asked_for && !is_plugin_off(config, channel.id))
            summary[std::string(channel.id)] = summary_of(channel, section, environment);
    }
    return summary;
}

Logout log_out(Json config, const std::string& channel, const std::string& account,
               const Environment& environment) {
    bool cleared = false;
    bool has_variable = false;
    const bool is_default = account == default_account;
    Json none = Json::object();
    Json& section = member(member(config, "channels"), channel).is_object()
                        ? config["channels"][channel]
                        : none;
    Json& own = member(member(section, "accounts"), account).is_object()
                    ? section["accounts"][account]
                    : none;
    for (const Token& token : tokens) {
        if (token.channel != channel) continue;
        cleared = erase_text(own, token.key) || cleared;
        if (is_default) cleared = erase_text(section, token.key) || cleared;
        has_variable = has_variable || (is_default && !environment.get(token.variable).empty());
    }
    const Json after = channel_summary(config, environment);
    const Json& facts = member(member(member(after, channel), "accounts"), account);
    Json payload = {{"channel", channel},
                    {"accountId", account},
                    {"cleared", cleared},
                    {"loggedOut", text_member(facts, "tokenSource", "none") == "none"},
                    {"envToken", has_variable}};
    return {std::move(config), std::move(payload)};
}

}  // namespace planner
