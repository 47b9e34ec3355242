// One account's settings, as openclaw.json and HARDSHELL_* have them.
//
// Pure. The account's own values go before those of the channel.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/channel/inbound_gate.h"

namespace discord {

enum class ReactionNotices { off, own, all, allowlist };

// People by id and by the roles they have ("role:<id>").
struct People {
    channel::AllowList users;
    std::vector<std::string> roles;

    bool empty() const { return users.empty() && roles.empty(); }
};

// What the owner says about a channel of a guild. Absent: not said.
struct ChannelRules {
    bool allowed = true;
    bool enabled = true;
    std::optional<bool> require_mention;
    std::optional<People> people;
    std::vector<std::string> skills;
    std::string system_prompt;
    bool auto_thread = false;
};

struct GuildRules {
    std::optional<bool> require_mention;
    std::optional<People> people;
    ReactionNotices reactions = ReactionNotices::own;
    // Nothing: every channel of the guild.
    std::optional<std::map<std::string, ChannelRules>> channels;
};

struct Settings {
    bool allow_bots = false;
    channel::DmPolicy dm_policy = channel::DmPolicy::pairing;
    channel::GroupPolicy group_policy = channel::GroupPolicy::allowlist;
    bool dms = true;
    bool group_dms = false;
    std::vector<std::string> group_dm_channels;  // empty: all
    channel::AllowList dm_allowed;
    std::map<std::string, GuildRules> guilds;  // by id, slug of the name, or "*"
    bool commands_need_list = true;
    bool names_match = false;

    size_t history_limit = 20;
    size_t text_chunk_limit = 2000;
    size_t lines_per_message = 17;
    bool chunk_by_paragraph = false;
    uint64_t media_most_bytes = 8 << 20;
    bool tables_as_code = true;

    bool native_commands = true;
    bool clears_commands = false;  // switched off on purpose: what is registered is taken away
    bool reactions_allowed = true;
    uint32_t intents = 0;

    int retry_attempts = 3;
    uint32_t retry_least_ms = 500;
    uint32_t retry_most_ms = 30'000;

    std::string api_url = "https://discord.com/api/v10";
    std::string gateway_url;  // empty: what the API says
    // Hosts that attachments are fetched from.
    std::vector<std::string> media_hosts = {"cdn.discordapp.com", "media.discordapp.net"};
    // What the owner should know about these settings, a sentence each.
    std::vector<std::string> remarks;
};

using Variables = std::map<std::string, std::string>;

// `config` is what the worker is told: channels.discord, commands, messages, channels.defaults.
Settings read_settings(const Json& config, const std::string& account, const Variables& variables);

// The token as the API takes it: no spaces around, no "Bot " in front.
std::string normal_token(std::string_view text);

// "My Guild!" is "my-guild": how names are written in the configuration.
std::string slug(std::string_view name);

}  // namespace discord
