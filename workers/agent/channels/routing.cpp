#include "workers/agent/channels/routing.h"

#include <algorithm>
#include <vector>

namespace agent {

using hardshell::proto::Person;
using hardshell::proto::Place;

namespace {

// One account, one message, seen by a binding.
struct Facts {
    const ChannelAccount& account;
    const Place& place;
    std::string kind;
    std::vector<std::string> peers;  // the thread's own first, then what it hangs on
};

bool is_channel_wide(const Json& match) {
    return member(match, "peer").is_null() && text_view(match, "guildId").empty() &&
           text_view(match, "teamId").empty();
}

bool names_account(const Json& match, const Facts& facts) {
    if (lower_case(trimmed(text_view(match, "channel"))) != facts.account.channel) return false;
    const std::string wanted(trimmed(text_view(match, "accountId")));
    if (wanted.empty()) return facts.account.account == "default";
    return wanted == "*" || wanted == facts.account.account;
}

std::string id_text(const Json& object, const char* key) {
    const Json& id = member(object, key);
    if (id.is_number_integer()) return std::to_string(id.get<int64_t>());
    return id.is_string() ? std::string(trimmed(id.get_ref<const std::string&>())) : "";
}

bool names_peer(const Json& match, const Facts& facts, const std::string& peer) {
    const Json& wanted = member(match, "peer");
    const std::string kind = lower_case(trimmed(text_view(wanted, "kind")));
    return !peer.empty() && (kind == facts.kind || (kind == "direct" && facts.kind == "dm")) &&
           id_text(wanted, "id") == peer;
}

bool names_guild(const Json& match, const Facts& facts) {
    const std::string guild = id_text(match, "guildId");
    return member(match, "peer").is_null() && !guild.empty() && guild == facts.place.guild_id() &&
           facts.account.channel != "slack";
}

bool names_team(const Json& match, const Facts& facts) {
    const std::string team = id_text(match, "teamId");
    return member(match, "peer").is_null() && !team.empty() && team == facts.place.guild_id() &&
           facts.account.channel == "slack";
}

bool names_one_account(const Json& match, const Facts&) {
    return is_channel_wide(match) && trimmed(text_view(match, "accountId")) != "*";
}

bool names_every_account(const Json& match, const Facts&) {
    return is_channel_wide(match) && trimmed(text_view(match, "accountId")) == "*";
}

struct Tier {
    bool (*fits)(const Json& match, const Facts& facts);
    const char* name;
};
// Read from the top; inside a tier the first binding decides. Peers come before all of them.
constexpr Tier tiers[] = {
    {names_guild, "binding.guild"},
    {names_team, "binding.team"},
    {names_one_account, "binding.account"},
    {names_every_account, "binding.channel"},
};

std::vector<std::string> peers_of(const Place& place, const Person& sender) {
    std::vector<std::string> peers{peer_id(place, sender)};
    if (place.kind() == Place::DIRECT) return peers;
    for (const std::string* outer : {&place.chat_id(), &place.parent_id()})
        if (!outer->empty() && std::find(peers.begin(), peers.end(), *outer) == peers.end())
            peers.push_back(*outer);
    return peers;
}

struct Choice {
    std::string agent;
    const char* matched_by;
};

Choice choose(const AgentConfig& config, const Facts& facts) {
    std::vector<const Json*> candidates;
    for (const Json& binding : member(config.json(), "bindings"))
        if (names_account(member(binding, "match"), facts)) candidates.push_back(&binding);
    const auto agent_of = [&](const Json& binding) {
        const std::string id = normal_agent_id(text_view(binding, "agentId"));
        return config.agent(id) ? id : config.default_agent();
    };
    for (const std::string& peer : facts.peers)
        for (const Json* binding : candidates)
            if (names_peer(member(*binding, "match"), facts, peer))
                return {agent_of(*binding), "binding.peer"};
    for (const Tier& tier : tiers)
        for (const Json* binding : candidates)
            if (tier.fits(member(*binding, "match"), facts)) return {agent_of(*binding), tier.name};
    return {config.default_agent(), "default"};
}

// A person who writes on several channels is one, where the owner says so.
std::string linked_identity(const Json& config, const ChannelAccount& account,
                            const std::string& peer) {
    const Json& links = member_at(config, "session.identityLinks");
    if (!links.is_object()) return peer;
    const std::string full = lower_case(account.channel + ":" + peer);
    for (const auto& [name, ids] : links.items())
        for (const Json& id : ids)
            if (id.is_string() && (lower_case(trimmed(id.get<std::string>())) == full ||
                                   lower_case(trimmed(id.get<std::string>())) == lower_case(peer)))
                return name;
    return peer;
}

std::string digits_of(const std::string& number) {
    std::string digits;
    for (const char c : number)
        if (c >= '0' && c <= '9') digits += c;
    return digits;
}

std::string direct_key(const AgentConfig& config, const std::string& agent, const Facts& facts) {
    const std::string scope = text_member(member(config.json(), "session"), "dmScope", "main");
    const std::string prefix = "agent:" + agent + ":";
    const ChannelAccount& account = facts.account;
    // Whatever the scope: a number can be forged, and shares no conversation.
    if (account.channel == voice_channel) return prefix + "voice:" + digits_of(facts.peers.front());
    const std::string peer = linked_identity(config.json(), account, facts.peers.front());
    if (peer.empty() || scope == "main") return main_key(agent, config.keys());
    if (scope == "per-peer") return prefix + "dm:" + peer;
    if (scope == "per-account-channel-peer")
        return prefix + account.channel + ":" + account.account + ":dm:" + peer;
    return prefix + account.channel + ":dm:" + peer;
}

// Telegram's topics live in their group's session family, Discord's threads are channels of their
// own.
std::string group_key(const std::string& agent, const Facts& facts) {
    const Place& place = facts.place;
    const bool is_discord = facts.account.channel == "discord";
    const std::string key = "agent:" + agent + ":" + facts.account.channel + ":" + facts.kind +
                            ":" + (is_discord ? facts.peers.front() : place.chat_id());
    if (is_discord || place.thread_id().empty()) return key;
    return key + (facts.account.channel == "telegram" ? ":topic:" : ":thread:") + place.thread_id();
}

}  // namespace

bool binds_group(const Json& binding, const ChannelAccount& account, const std::string& chat_id) {
    const Json& match = member(binding, "match");
    const Place place;
    const Facts facts{account, place, "group", {}};
    return names_account(match, facts) && names_peer(match, facts, chat_id);
}

const char* peer_kind(const Place& place) {
    switch (place.kind()) {
        case Place::GROUP:
            return "group";
        case Place::CHANNEL:
            return "channel";
        default:
            return "dm";
    }
}

std::string peer_id(const Place& place, const Person& sender) {
    if (place.kind() == Place::DIRECT || place.kind() == Place::KIND_UNKNOWN)
        return sender.id().empty() ? place.chat_id() : sender.id();
    if (place.thread_id().empty()) return place.chat_id();
    // A thread with an id of its own, or a topic that only its chat makes unique.
    return place.guild_id().empty() ? place.chat_id() + ":topic:" + place.thread_id()
                                    : place.thread_id();
}

Route route_of(const AgentConfig& config, const ChannelAccount& account, const Place& place,
               const Person& sender) {
    const Facts facts{account, place, peer_kind(place), peers_of(place, sender)};
    const Choice choice = choose(config, facts);
    std::string key;
    if (facts.kind == "dm") {
        key = direct_key(config, choice.agent, facts);
        // Of a call it names the call.
        if (!place.thread_id().empty() && account.channel != voice_channel)
            key += ":thread:" + place.thread_id();
    } else {
        key = group_key(choice.agent, facts);
    }
    Route route{choice.agent, {choice.agent, lower_case(key)}, choice.matched_by};
    if (facts.kind != "dm" && account.channel == "discord" && !place.parent_id().empty())
        route.parent = {choice.agent, lower_case("agent:" + choice.agent +
                                                 ":discord:channel:" + place.parent_id())};
    return route;
}

}  // namespace agent
