// One account's settings, as openclaw.json and HARDSHELL_* have them.
//
// Pure. The account's own values go before those of the channel.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/channel/inbound_gate.h"

namespace telegram {

enum class StreamMode { off, partial, block };
enum class ReplyToMode { off, first, all };
enum class ReactionNotices { off, own, all };

// What the owner says about a chat, or about a topic in it. Absent: not said.
struct PlaceSettings {
    std::optional<bool> enabled;
    std::optional<bool> require_mention;
    std::optional<channel::AllowList> allowed;
    std::vector<std::string> skills;
    std::string system_prompt;
    std::map<std::string, PlaceSettings> topics;
};

struct Command {
    std::string name;
    std::string description;
};

struct Settings {
    channel::DmPolicy dm_policy = channel::DmPolicy::pairing;
    channel::GroupPolicy group_policy = channel::GroupPolicy::allowlist;
    channel::AllowList dm_allowed;
    channel::AllowList group_allowed;
    bool commands_need_list = true;
    bool names_match = false;
    // Nothing: every group may be served. Else those listed, "*" being all.
    std::optional<std::map<std::string, PlaceSettings>> groups;
    size_t history_limit = 50;

    size_t text_chunk_limit = 4000;
    bool chunk_by_paragraph = false;
    ReplyToMode reply_to = ReplyToMode::first;
    StreamMode stream = StreamMode::partial;
    bool link_preview = true;
    uint64_t media_most_bytes = 5 << 20;
    std::chrono::milliseconds call_timeout{30'000};  // of one request to Telegram
    int most_tries = 3;                              // of what can be done twice without harm

    bool native_commands = true;
    std::vector<Command> custom_commands;
    bool reactions_allowed = true;
    bool deletes_allowed = true;
    ReactionNotices reaction_notices = ReactionNotices::own;

    std::string webhook_url;
    std::string webhook_path = "/telegram-webhook";
    std::string api_url = "https://api.telegram.org";
    // What the owner should know about these settings, a sentence each.
    std::vector<std::string> remarks;
};

using Variables = std::map<std::string, std::string>;

// `config` is what the worker is told: channels.telegram, commands, messages, channels.defaults.
Settings read_settings(const Json& config, const std::string& account, const Variables& variables);

// The group has another id now: what the owner says about it holds there as well. False: nothing is
// said about it.
bool follow_group(Settings& settings, const std::string& from, const std::string& to);

// What holds in one place of a group: a topic's before its chat's before "*".
struct PlaceRules {
    channel::GateRules gate;
    std::vector<std::string> skills;
    std::string system_prompt;
};
PlaceRules rules_for(const Settings& settings, const channel::AllowList& paired,
                     std::string_view chat_id, std::string_view topic_id);

}  // namespace telegram
