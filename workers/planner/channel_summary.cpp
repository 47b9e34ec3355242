#include "workers/planner/channel_summary.h"

#include <algorithm>
#include <iterator>

#include "workers/planner/channel_tokens.h"
#include "workers/planner/workers_table.h"

namespace planner {

namespace {

const Json& setting(const AccountSections& sections, const char* key) {
    const Json& own = member(sections.account, key);
    return own.is_null() ? member(sections.channel, key) : own;
}

// Slack over HTTP needs no token for a socket.
bool is_needed(const ChannelToken& token, const AccountSections& sections) {
    const Json& mode = setting(sections, "mode");
    return std::string_view(token.key) != "appToken" || mode != "http";
}

Json account_facts(const ChannelKind& channel, const AccountSections& sections,
                   const Environment& environment) {
    Json facts = Json::object();
    if (const std::string name = text_member(sections.account, "name"); !name.empty())
        facts["name"] = name;
    facts["enabled"] = bool_member(sections.channel, "enabled", true) &&
                       bool_member(sections.account, "enabled", true);
    bool configured = true;
    for (const ChannelToken& token : channel_tokens()) {
        if (token.channel != channel.id) continue;
        const std::string source = token_source(token, sections, environment);
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
           (denied.is_array() &&
            std::find(denied.begin(), denied.end(), Json(channel)) != denied.end());
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
    for (const ChannelKind& channel : channels()) {
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
    for (const ChannelToken& token : channel_tokens()) {
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
