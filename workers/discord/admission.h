// What the owner's settings say about a place and a message in it: the input of the gate that all
// channels share. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/channel/inbound_gate.h"
#include "workers/discord/events.h"
#include "workers/discord/settings.h"

namespace discord {

struct Bot {
    std::string id;
    std::string username;
    std::string application_id;
};

// Where something was written, as far as it is known.
struct Where {
    std::string guild_id;  // empty: no server
    std::string guild_name;
    Channel channel;
    Channel parent;  // of a thread

    bool is_direct() const { return guild_id.empty() && channel.type != channel_type::group_dm; }
};

// Somebody who wrote, reacted or gave a command.
struct Sender {
    std::string id;
    std::string username;
    std::vector<std::string> roles;
};

struct PlaceRules {
    channel::GateRules gate;
    std::vector<std::string> skills;
    std::string system_prompt;
    ReactionNotices reactions = ReactionNotices::own;
    bool auto_thread = false;
    // Nobody may give commands here, because the owner has listed nobody who may.
    bool lists_nobody = false;
};
// Whether the bot has to be named in a channel, as it was chosen there by command.
using Activation = std::function<std::optional<bool>(const std::string& channel_id)>;
// What was chosen goes before the settings, and for the threads of a channel as well.
PlaceRules rules_for(const Settings& settings, const Bot& bot, const channel::AllowList& paired,
                     const Where& where, const Sender& sender, const Activation& chosen = {});
// Some key of the owner's is a name: the name of the server is needed to find it.
bool needs_guild_name(const Settings& settings, const std::string& guild_id);

struct Addressing {
    bool was_mentioned = false;  // by @, or its own message replied to
    bool mentions_others = false;
    bool is_command = false;  // "/status"
    // For the model: the bot's name taken out, other people's written out, what is no text named.
    std::string text;
};
Addressing addressing_of(const Message& message, const Bot& bot);
// Without characters that nobody sees (U+200B to U+200F, U+202A to U+202E, U+2060 to U+206F): with
// one of them inside, a name would be none.
std::string without_invisible(std::string_view text);

}  // namespace discord
