#include "workers/agent/channels/routing.h"

#include <gtest/gtest.h>

namespace agent {
namespace {

using hardshell::proto::Person;
using hardshell::proto::Place;

Place place(Place::Kind kind, const std::string& chat, const std::string& thread = "",
            const std::string& guild = "", const std::string& parent = "") {
    Place made;
    made.set_kind(kind);
    made.set_chat_id(chat);
    made.set_thread_id(thread);
    made.set_guild_id(guild);
    made.set_parent_id(parent);
    return made;
}

Person person(const std::string& id) {
    Person made;
    made.set_id(id);
    return made;
}

Route route(const char* config, const ChannelAccount& account, const Place& where,
            const std::string& who = "555") {
    return route_of(AgentConfig(Json::parse(config)), account, where, person(who));
}

const ChannelAccount telegram{"telegram", "default"};
const ChannelAccount telegram_ops{"telegram", "ops"};
const ChannelAccount discord{"discord", "default"};
const Place chat = place(Place::DIRECT, "555");
const Place group = place(Place::GROUP, "-100123");

TEST(Routing, NamesSessionsAsOpenClawDoes) {
    const struct {
        const char* session;
        ChannelAccount account;
        Place where;
        const char* key;
    } rows[] = {
        {"{}", telegram, chat, "agent:main:main"},
        {R"({"dmScope": "per-peer"})", telegram, chat, "agent:main:dm:555"},
        {R"({"dmScope": "per-channel-peer"})", telegram, chat, "agent:main:telegram:dm:555"},
        {R"({"dmScope": "per-account-channel-peer"})", telegram_ops, chat,
         "agent:main:telegram:ops:dm:555"},
        {R"({"dmScope": "per-peer", "identityLinks": {"Ann": ["telegram:555"]}})", telegram, chat,
         "agent:main:dm:ann"},
        {"{}", telegram, place(Place::DIRECT, "555", "7"), "agent:main:main:thread:7"},
        // A caller has a session of its own whatever the scope; the thread is the call.
        {"{}",
         {"voice", "default"},
         place(Place::DIRECT, "+15550001111", "call-1"),
         "agent:main:voice:555"},
        {R"({"dmScope": "per-peer"})",
         {"voice", "default"},
         place(Place::DIRECT, "+1555", "c"),
         "agent:main:voice:555"},
        {"{}", telegram, group, "agent:main:telegram:group:-100123"},
        {"{}", telegram, place(Place::GROUP, "-100123", "42"),
         "agent:main:telegram:group:-100123:topic:42"},
        {"{}", discord, place(Place::CHANNEL, "300", "", "200"), "agent:main:discord:channel:300"},
        {"{}", discord, place(Place::CHANNEL, "300", "301", "200"),
         "agent:main:discord:channel:301"},
        {"{}", discord, place(Place::CHANNEL, "301", "", "200", "300"),
         "agent:main:discord:channel:301"},
        {"{}", discord, place(Place::GROUP, "400"), "agent:main:discord:group:400"},
        {R"({"scope": "global"})", discord, chat, "global"},
    };
    for (const auto& row : rows) {
        const std::string config = std::string(R"({"session": )") + row.session + "}";
        EXPECT_EQ(route(config.c_str(), row.account, row.where).session.key, row.key);
    }
}

constexpr const char* agents = R"("agents": {"list": [
    {"id": "main"}, {"id": "peer"}, {"id": "guild"}, {"id": "account"}, {"id": "all"}]})";

std::string with_bindings(const std::string& bindings) {
    return std::string("{") + agents + ", \"bindings\": [" + bindings + "]}";
}

constexpr const char* all_tiers = R"(
    {"agentId": "all", "match": {"channel": "discord", "accountId": "*"}},
    {"agentId": "account", "match": {"channel": "Discord"}},
    {"agentId": "guild", "match": {"channel": "discord", "guildId": "200"}},
    {"agentId": "peer", "match": {"channel": "discord", "peer": {"kind": "channel", "id": "300"}}})";

TEST(Routing, TakesTheNarrowestBinding) {
    const std::string config = with_bindings(all_tiers);
    const Place peer = place(Place::CHANNEL, "300", "", "200");
    const Place guild = place(Place::CHANNEL, "999", "", "200");
    const Place elsewhere = place(Place::CHANNEL, "999", "", "888");
    EXPECT_EQ(route(config.c_str(), discord, peer).agent, "peer");
    EXPECT_EQ(route(config.c_str(), discord, peer).matched_by, "binding.peer");
    EXPECT_EQ(route(config.c_str(), discord, guild).agent, "guild");
    EXPECT_EQ(route(config.c_str(), discord, elsewhere).agent, "account");
    EXPECT_EQ(route(config.c_str(), {"discord", "ops"}, guild).agent, "all");
    EXPECT_EQ(route(config.c_str(), telegram, chat).agent, "main");
    EXPECT_EQ(route(config.c_str(), telegram, chat).matched_by, "default");
}

TEST(Routing, CoversTheThreadsOfABoundChannel) {
    const std::string config = with_bindings(all_tiers);
    EXPECT_EQ(route(config.c_str(), discord, place(Place::CHANNEL, "301", "", "200", "300")).agent,
              "peer");
    const std::string own = with_bindings(R"(
        {"agentId": "peer", "match": {"channel": "telegram", "peer": {"kind": "group", "id": "-1"}}},
        {"agentId": "all", "match": {"channel": "telegram",
                                     "peer": {"kind": "group", "id": "-1:topic:42"}}})");
    EXPECT_EQ(route(own.c_str(), telegram, place(Place::GROUP, "-1", "42")).agent, "all");
    EXPECT_EQ(route(own.c_str(), telegram, place(Place::GROUP, "-1", "43")).agent, "peer");
    EXPECT_EQ(route(own.c_str(), telegram, place(Place::GROUP, "-1")).agent, "peer");
}

TEST(Routing, FallsBackToTheDefaultAgent) {
    const std::string unknown =
        with_bindings(R"({"agentId": "nobody", "match": {"channel": "telegram"}})");
    EXPECT_EQ(route(unknown.c_str(), telegram, chat).agent, "main");
    const std::string by_person = with_bindings(
        R"({"agentId": "peer", "match": {"channel": "telegram", "peer": {"kind": "dm", "id": "555"}}})");
    EXPECT_EQ(route(by_person.c_str(), telegram, chat).agent, "peer");
    EXPECT_EQ(route(by_person.c_str(), telegram, chat, "556").agent, "main");
}

}  // namespace
}  // namespace agent
