#include "workers/agent/methods.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/workers/agent/support.h"
#include "workers/agent/attachments.h"
#include "workers/agent/commands.h"
#include "workers/agent/prompt.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MethodsOf : public testing::Test {
  protected:
    std::string complaint(const std::string& method, const Json& params) {
        const Json answer = life.ask(method, params);
        EXPECT_EQ(answer["code"], "INVALID_REQUEST") << print_json(answer);
        return text_member(answer, "message");
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    Life life{directory.path(),
              loop,
              {{"agents",
                {{"defaults", {{"workspace", directory / "ws"}}},
                 {"list",
                  {{{"id", "ops"}, {"name", "Ops"}, {"identity", {{"emoji", "🛠"}}}},
                   {{"id", "main"}, {"default", true}}}}}}}};
};

}  // namespace

TEST_F(MethodsOf, ExplainWrongParameters) {
    EXPECT_EQ(complaint("chat.send", {{"x", 1}, {"message", "m"}, {"idempotencyKey", "i"}}),
              "invalid chat.send params: must have required property 'sessionKey'; at root: "
              "unexpected property 'x'");
    EXPECT_EQ(complaint("chat.history", {{"sessionKey", ""}, {"limit", 1001}}),
              "invalid chat.history params: at /sessionKey: must NOT have fewer than 1 characters; "
              "at /limit: must be <= 1000");
    EXPECT_EQ(complaint("chat.history", {{"sessionKey", 5}, {"limit", 1.5}}),
              "invalid chat.history params: at /sessionKey: must be string; at /limit: must be "
              "integer");
    EXPECT_EQ(complaint("chat.history", {{"sessionKey", "main"}, {"limit", 0}}),
              "invalid chat.history params: at /limit: must be >= 1");
    EXPECT_EQ(complaint("chat.history", {{"sessionKey", "main"}, {"skip", 1}}),
              "invalid chat.history params: at root: unexpected property 'skip'");
    EXPECT_EQ(complaint("hardshell.chat.history", {{"sessionKey", "main"}, {"skip", 10'001}}),
              "invalid hardshell.chat.history params: at /skip: must be <= 10000");
    EXPECT_EQ(complaint("agents.list", Json::array()),
              "invalid agents.list params: must be object");
    EXPECT_EQ(complaint("no.such", Json::object()), "unknown method: no.such");
    EXPECT_EQ(
        complaint("chat.send", {{"sessionKey", "main"}, {"message", " "}, {"idempotencyKey", "i"}}),
        "message or attachment required");
}

TEST_F(MethodsOf, PairingTakesAChannelAndACode) {
    EXPECT_EQ(life.ask("hardshell.pairing.list", Json::object())["channels"], Json::array());
    for (const char* method : {"hardshell.pairing.approve", "hardshell.pairing.reject"}) {
        EXPECT_EQ(complaint(method, {{"channel", std::string(65, 'a')}}),
                  "invalid " + std::string(method) +
                      " params: must have required property 'code'; at /channel: must NOT have "
                      "more than 64 characters");
        EXPECT_EQ(life.ask(method, {{"channel", "telegram"}, {"code", "ABCDEFGH"}})["code"],
                  "UNAVAILABLE");
    }
}

TEST_F(MethodsOf, NameSomeOfThousandsOfFaults) {
    Json params = Json::object();
    for (int number = 0; number < 3000; ++number) params["x" + std::to_string(number)] = 0;
    params[std::string(50'000, 'n')] = 0;
    const std::string told = complaint("agents.list", params);
    EXPECT_THAT(told, HasSubstr("unexpected property 'x0'"));
    EXPECT_LT(told.size(), 5000u);
}

TEST(AgentsList, TellsWhereAgentsLiveAndWhatLeadsToThem) {
    TemporaryDirectory directory;
    ManualLoop loop;
    Life life{directory.path(), loop, *parse_json(R"({
        "agents": {"defaults": {"model": {"primary": "anthropic/a"}, "workspace": "/ws"},
                   "list": [{"id": "main"}, {"id": "ops", "model": " openai/b ", "agentDir": "/o"}]},
        "bindings": [{"agentId": "Ops", "match": {"channel": "slack", "accountId": "work"}},
                     {"agentId": "ops", "match": {"channel": "telegram"}},
                     {"agentId": "gone", "match": {"channel": "telegram"}}]})")};
    const Json answer = life.ask("agents.list", Json::object());
    const Json& agents = member(answer, "agents");
    ASSERT_EQ(agents.size(), 2u) << print_json(answer);
    EXPECT_EQ(text_member(agents[0], "workspace"), "/ws");
    EXPECT_THAT(text_member(agents[0], "agentDir"), testing::EndsWith("/agents/main/agent"));
    EXPECT_EQ(text_member(agents[0], "model"), "anthropic/a");
    EXPECT_EQ(int_member(agents[0], "bindings", -1), 0);
    EXPECT_FALSE(agents[0].contains("routes"));
    EXPECT_EQ(text_member(agents[1], "agentDir"), "/o");
    EXPECT_EQ(text_member(agents[1], "model"), "openai/b");
    EXPECT_EQ(int_member(agents[1], "bindings"), 2);
    EXPECT_EQ(print_json(agents[1]["routes"]), R"(["slack work","telegram default"])");
}

TEST_F(MethodsOf, TheTableHasEachNameOnce) {
    std::set<std::string> names;
    for (const Methods::Row& row : Methods::table()) EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_EQ(names.size(), 52u);
}

TEST_F(MethodsOf, RefuseAnAgentThatIsNotConfigured) {
    EXPECT_EQ(
        complaint("chat.send",
                  {{"sessionKey", "agent:nobody:main"}, {"message", "m"}, {"idempotencyKey", "i"}}),
        "unknown agent id \"nobody\"; configured agents: ops, main");
    EXPECT_THAT(
        complaint("agent", {{"agentId", "../etc"}, {"message", "m"}, {"idempotencyKey", "i"}}),
        HasSubstr("unknown agent id"));
    EXPECT_THAT(complaint("chat.history", {{"sessionKey", "agent:../../etc:main"}}),
                HasSubstr("unknown agent id"));
    EXPECT_THAT(complaint("agent", {{"agentId", "ops"},
                                    {"sessionKey", "agent:main:main"},
                                    {"message", "m"},
                                    {"idempotencyKey", "i"}}),
                HasSubstr("does not match"));
}

TEST_F(MethodsOf, AgentAnswersTwice) {
    const auto answers =
        life.call("agent", {{"message", "hello"}, {"idempotencyKey", "r1"}, {"agentId", "ops"}});
    ASSERT_EQ(answers->size(), 1u);
    EXPECT_TRUE(answers->front().more);
    const Json accepted = Json::parse(answers->front().payload_json);
    EXPECT_EQ(accepted["status"], "accepted");
    EXPECT_EQ(accepted["acceptedAt"], loop.now_ms);
    const auto duplicate = life.ask("agent", {{"message", "hello"}, {"idempotencyKey", "r1"}});
    EXPECT_EQ(duplicate, accepted);
    loop.advance(5);
    life.models.last().finish("hi");
    loop.settle();
    ASSERT_EQ(answers->size(), 2u);
    EXPECT_TRUE(answers->back().ok);
    EXPECT_FALSE(answers->back().more);
    const Json final = Json::parse(answers->back().payload_json);
    EXPECT_EQ(final["status"], "ok");
    EXPECT_EQ(final["summary"], "completed");
    EXPECT_EQ(final["result"]["payloads"][0]["text"], "hi");
    const Json& meta = final["result"]["meta"];
    EXPECT_EQ(meta["durationMs"], 5);
    EXPECT_EQ(meta["agentMeta"]["model"], "one");
    EXPECT_EQ(meta["agentMeta"]["usage"]["total"], 18);
    EXPECT_EQ(life.ask("agent", {{"message", "hello"}, {"idempotencyKey", "r1"}}), final);
    EXPECT_EQ(life.events.last("chat final")->payload["sessionKey"], "agent:ops:main");
    // The same key is free for the other method.
    EXPECT_EQ(life.send("main", "x", "r1")["status"], "started");
}

TEST_F(MethodsOf, AgentReportsAFailureAsAnError) {
    const auto answers = life.call("agent", {{"message", "hello"}, {"idempotencyKey", "r1"}});
    loop.settle();
    life.models.last().fail("no model answered");
    loop.settle();
    ASSERT_EQ(answers->size(), 2u);
    EXPECT_FALSE(answers->back().ok);
    EXPECT_EQ(answers->back().error_code, "UNAVAILABLE");
    EXPECT_EQ(answers->back().error_message, "no model answered");
    EXPECT_EQ(Json::parse(answers->back().payload_json)["status"], "error");
}

TEST_F(MethodsOf, AgentChecksChannelSessionAndDelivery) {
    EXPECT_THAT(complaint("agent", {{"message", "m"}, {"idempotencyKey", "i"}, {"channel", "fax"}}),
                HasSubstr("unknown channel: fax"));
    EXPECT_THAT(
        complaint("agent", {{"message", "m"}, {"idempotencyKey", "i"}, {"sessionId", "nope"}}),
        HasSubstr("no session has the id"));
    EXPECT_EQ(
        life.ask("agent", {{"message", "m"}, {"idempotencyKey", "i"}, {"deliver", true}})["code"],
        "UNAVAILABLE");
    life.send("agent:ops:x", "hi", "r1");
    const std::string id = (*life.store->find({"ops", "agent:ops:x"}))->id();
    life.ask("agent", {{"message", "m"}, {"idempotencyKey", "i"}, {"sessionId", id}});
    EXPECT_EQ((*life.runs->known("agent", "i"))->session.key, "agent:ops:x");
}

TEST_F(MethodsOf, AgentWaitAnswersWhenTheRunEndsOrTheTimeIsUp) {
    life.send("main", "x", "r1");
    const auto waits = life.call("agent.wait", {{"runId", "r1"}});
    const auto in_vain = life.call("agent.wait", {{"runId", "r1"}, {"timeoutMs", 100}});
    loop.advance(100);
    EXPECT_TRUE(waits->empty());
    ASSERT_EQ(in_vain->size(), 1u);
    EXPECT_EQ(Json::parse(in_vain->front().payload_json),
              (Json{{"runId", "r1"}, {"status", "timeout"}}));
    life.models.last().finish("ok");
    loop.settle();
    ASSERT_EQ(waits->size(), 1u);
    const Json ended = Json::parse(waits->front().payload_json);
    EXPECT_EQ(ended["status"], "ok");
    EXPECT_EQ(ended["endedAt"], loop.now_ms);
    EXPECT_EQ(life.ask("agent.wait", {{"runId", "r1"}})["status"], "ok");
}

TEST_F(MethodsOf, HistoryNamesTheSessionAndKeepsTheSpelling) {
    const Json empty = life.ask("chat.history", {{"sessionKey", "Main"}});
    EXPECT_EQ(
        empty,
        (Json{{"sessionKey", "Main"}, {"thinkingLevel", "off"}, {"messages", Json::array()}}));
    life.send("MAIN", "x", "r1");
    const Json some = life.ask("chat.history", {{"sessionKey", "agent:main:main"}});
    EXPECT_EQ(some["messages"].size(), 1u);
    EXPECT_TRUE(is_session_id(text_member(some, "sessionId")));
    const Json older = life.ask("hardshell.chat.history", {{"sessionKey", "MAIN"}, {"skip", 1}});
    EXPECT_EQ(older["sessionKey"], "MAIN");
    EXPECT_EQ(older["sessionId"], some["sessionId"]);
    EXPECT_EQ(older["messages"], Json::array());
    EXPECT_EQ(*life.store->count(""), 1u);
}

TEST_F(MethodsOf, SendPolicyOfASessionForbids) {
    life.send("main", "x", "r1");
    Session session = **life.store->find({"main", "agent:main:main"});
    session.entry["sendPolicy"] = "deny";
    ASSERT_TRUE(life.store->save(session));
    EXPECT_EQ(complaint("chat.send",
                        {{"sessionKey", "main"}, {"message", "y"}, {"idempotencyKey", "r2"}}),
              "send blocked by session policy");
}

TEST_F(MethodsOf, ASessionsOwnModelComesFirst) {
    life.send("main", "x", "r1");
    Session session = **life.store->find({"main", "agent:main:main"});
    session.entry["providerOverride"] = "p";
    session.entry["modelOverride"] = "m";
    ASSERT_TRUE(life.store->save(session));
    life.models.last().finish("1");
    loop.settle();
    life.send("main", "y", "r2");
    EXPECT_EQ(life.models.last().request.candidates.front().model, "p/m");
}

TEST_F(MethodsOf, AgentsListAndIdentity) {
    const Json list = life.ask("agents.list", Json::object());
    EXPECT_EQ(list["defaultId"], "main");
    EXPECT_EQ(list["mainKey"], "main");
    EXPECT_EQ(list["scope"], "per-sender");
    EXPECT_EQ(list["agents"][0]["id"], "ops");
    EXPECT_EQ(list["agents"][0]["name"], "Ops");
    EXPECT_EQ(list["agents"][0]["identity"], (Json{{"emoji", "🛠"}}));
    EXPECT_EQ(life.ask("agent.identity.get", {{"agentId", "ops"}}),
              (Json{{"agentId", "ops"}, {"name", "Assistant"}, {"avatar", "🛠"}}));
    write_text(directory / "ws/IDENTITY.md",
               "# Who am I\n- **Name:** Klaus\n- **Emoji:** (pick)\n");
    EXPECT_EQ(life.ask("agent.identity.get", {{"sessionKey", "main"}}),
              (Json{{"agentId", "main"}, {"name", "Klaus"}, {"avatar", "A"}}));
}

TEST_F(MethodsOf, SessionsListFiltersAndSorts) {
    const auto put = [&](const std::string& agent, const std::string& key, int64_t minutes_ago,
                         Json more = Json::object()) {
        more["sessionId"] = "id-" + std::to_string(minutes_ago);
        more["updatedAt"] = loop.now_ms - minutes_ago * 60'000;
        ASSERT_TRUE(life.store->save({{agent, key}, more}));
    };
    put("main", "agent:main:main", 1, {{"label", "Home"}, {"inputTokens", 3}, {"outputTokens", 4}});
    put("main", "agent:main:discord:channel:9", 5, {{"chatType", "channel"}, {"spawnedBy", "x"}});
    put("ops", "agent:ops:main", 100);
    put("main", "global", 2);
    put("main", "unknown", 3);
    const auto keys = [&](const Json& params) {
        std::vector<std::string> all;
        const Json list = life.ask("sessions.list", params);
        for (const Json& row : member(list, "sessions")) all.push_back(text_member(row, "key"));
        return all;
    };
    EXPECT_THAT(keys(Json::object()),
                ElementsAre("agent:main:main", "agent:main:discord:channel:9", "agent:ops:main"));
    EXPECT_THAT(keys({{"limit", 1}}), ElementsAre("agent:main:main"));
    EXPECT_THAT(keys({{"includeGlobal", true}, {"includeUnknown", true}, {"limit", 3}}),
                ElementsAre("agent:main:main", "global", "unknown"));
    EXPECT_THAT(keys({{"agentId", "ops"}}), ElementsAre("agent:ops:main"));
    EXPECT_THAT(keys({{"activeMinutes", 10}, {"agentId", "main"}, {"spawnedBy", "x"}}),
                ElementsAre("agent:main:discord:channel:9"));
    EXPECT_THAT(keys({{"label", "Home"}}), ElementsAre("agent:main:main"));
    EXPECT_THAT(keys({{"search", "HOME"}}), ElementsAre("agent:main:main"));
    const Json list = life.ask("sessions.list", Json::object());
    EXPECT_EQ(list["count"], 3);
    EXPECT_EQ(list["path"], "(multiple)");
    EXPECT_EQ(list["defaults"],
              (Json{{"modelProvider", "fake"}, {"model", "one"}, {"contextTokens", 200000}}));
    EXPECT_EQ(list["sessions"][0]["totalTokens"], 7);
    EXPECT_EQ(list["sessions"][0]["kind"], "direct");
    EXPECT_EQ(list["sessions"][1]["kind"], "group");
}

TEST_F(MethodsOf, SessionsListDerivesTitleAndPreview) {
    life.send("main", "What is\n the weather?", "r1");
    life.models.last().finish("Sunny.");
    loop.settle();
    const Json row = life.ask("sessions.list", {{"includeDerivedTitles", true},
                                                {"includeLastMessage", true}})["sessions"][0];
    EXPECT_EQ(row["derivedTitle"], "What is the weather?");
    EXPECT_EQ(row["lastMessagePreview"], "Sunny.");
}

TEST_F(MethodsOf, HealthAndStatusDescribeAgentsAndSessions) {
    life.send("main", "x", "r1");
    const Json health = life.ask("internal.health", Json::object());
    EXPECT_EQ(health["defaultAgentId"], "main");
    EXPECT_EQ(health["heartbeatSeconds"], 1800);
    ASSERT_EQ(health["agents"].size(), 2u);
    EXPECT_EQ(health["agents"][1]["sessions"]["count"], 1);
    EXPECT_EQ(health["sessions"]["recent"][0]["key"], "agent:main:main");
    const Json status = life.ask("internal.status", Json::object());
    EXPECT_EQ(status["model"], "fake/one");
    EXPECT_EQ(status["sessions"]["count"], 1);
    EXPECT_EQ(status["sessions"]["paths"].size(), 2u);
    EXPECT_EQ(status["sessions"]["recent"][0]["contextTokens"], 200000);
    EXPECT_EQ(status["heartbeat"]["defaultAgentId"], "main");
}

TEST(Attachments, AcceptImagesAsBase64OrDataUrlAndNameWhatIsWrong) {
    const auto blocks = read_attachments({{{"mimeType", "image/png"}, {"content", "aGk="}},
                                          {{"content", "data:image/jpeg;base64,aGk="}},
                                          {{"mimeType", "text/plain"}, {"content", "aGk="}},
                                          {{"content", "data:application/pdf;base64,JVBERi0x"}}});
    ASSERT_TRUE(blocks);
    ASSERT_EQ(blocks->images.size(), 2u);
    EXPECT_EQ(blocks->images[1],
              (Json{{"type", "image"}, {"data", "aGk="}, {"mimeType", "image/jpeg"}}));
    ASSERT_EQ(blocks->documents.size(), 1u);
    EXPECT_EQ(blocks->documents[0], (Json{{"type", "document"},
                                          {"mimeType", "application/pdf"},
                                          {"fileName", "document.pdf"},
                                          {"data", "JVBERi0x"}}));
    const auto bad = read_attachments({{{"fileName", "x.png"}, {"content", "not base64!"}}});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().what, "attachment x.png: content must be base64");
    const auto large =
        read_attachments({{{"mimeType", "image/png"}, {"content", std::string(7'000'000, 'A')}}});
    ASSERT_FALSE(large);
    EXPECT_THAT(large.error().what, HasSubstr("5000000 bytes"));
}

TEST(SessionKeys, AreCanonical) {
    const auto key = [](const char* spelling, KeyDefaults defaults = {}) {
        const Result<SessionKey> result = canonical_key(spelling, defaults);
        return result ? result->agent + " " + result->key : "refused";
    };
    EXPECT_EQ(key("main"), "main agent:main:main");
    EXPECT_EQ(key(" Main "), "main agent:main:main");
    EXPECT_EQ(key("agent:Ops:Main"), "ops agent:ops:main");
    EXPECT_EQ(key("agent:ops"), "ops agent:ops:main");
    EXPECT_EQ(key("Work"), "main agent:main:work");
    EXPECT_EQ(key("x", {"ops", false}), "ops agent:ops:x");
    EXPECT_EQ(key("agent:main:discord:Channel:42"), "main agent:main:discord:channel:42");
    EXPECT_EQ(key("global"), "main global");
    EXPECT_EQ(key("main", {"main", true}), "main global");
    EXPECT_EQ(key("agent:../..:x"), "main agent:main:x");
    EXPECT_EQ(key(""), "refused");
    EXPECT_EQ(key("a\nb"), "refused");
    EXPECT_EQ(key(std::string(600, 'x').c_str()), "refused");
}

TEST(Ids, AreStrict) {
    for (const char* good : {"a", "main", "a_b-c9", "0"}) EXPECT_TRUE(is_agent_id(good)) << good;
    for (const char* bad : {"", "A", "-a", "a.b", "a/b", "..", "a b"})
        EXPECT_FALSE(is_agent_id(bad)) << bad;
    for (const char* good : {"a", "6f1d9d3e-0a55-4c1e-9df3-0f6f1f1f0001", "s-topic-7.jsonl"})
        EXPECT_TRUE(is_session_id(good)) << good;
    for (const char* bad : {"", ".", "..", "../x", "a/b", "a\\b", "-x", "a\nb"})
        EXPECT_FALSE(is_session_id(bad)) << bad;
    EXPECT_EQ(normal_agent_id("My Bot!"), "my-bot");
    EXPECT_EQ(normal_agent_id("///"), "main");
    EXPECT_EQ(new_session_id().size(), 36u);
    EXPECT_EQ(new_session_id()[14], '4');
    EXPECT_NE(new_session_id(), new_session_id());
    EXPECT_EQ(new_entry_id().size(), 8u);
}

TEST(ResetPolicies, DailyAndIdle) {
    setenv("TZ", "UTC", 1);
    tzset();
    const int64_t ten = 1'769'767'200'000;  // 2026-01-30T10:00Z
    const int64_t hour = 3'600'000;
    EXPECT_FALSE(is_stale({true, 4, 0}, ten - 5 * hour, ten));
    EXPECT_TRUE(is_stale({true, 4, 0}, ten - 7 * hour, ten));
    EXPECT_FALSE(is_stale({true, 11, 0}, ten - 7 * hour, ten)) << "11:00 of the day before counts";
    EXPECT_TRUE(is_stale({true, 11, 0}, ten - 24 * hour, ten));
    EXPECT_TRUE(is_stale({true, 4, 60}, ten - 2 * hour, ten));
    EXPECT_FALSE(is_stale({false, 4, 60}, ten - hour / 2, ten));
    EXPECT_FALSE(is_stale({false, 4, 0}, 0, ten));

    const AgentConfig config(Json::parse(R"({"session": {
        "reset": {"mode": "daily", "atHour": 5},
        "resetByType": {"group": {"mode": "idle", "idleMinutes": 10}},
        "resetByChannel": {"discord": {"mode": "idle", "idleMinutes": 20}}}})"));
    EXPECT_EQ(config.reset_policy("agent:main:main", Json::object()).at_hour, 5);
    EXPECT_EQ(config.reset_policy("agent:main:x:group:1", Json::object()).idle_minutes, 10);
    EXPECT_EQ(config.reset_policy("agent:main:x", {{"channel", "discord"}}).idle_minutes, 20);
    const AgentConfig own(Json::parse(R"({"session": {"reset": {"mode": "idle", "idleMinutes": 5},
        "resetByChannel": {"discord": {"mode": "daily"}}}})"));
    const ResetPolicy of_channel = own.reset_policy("agent:main:x", {{"channel", "discord"}});
    EXPECT_TRUE(of_channel.daily) << "a channel's own takes the place of all else";
    EXPECT_EQ(of_channel.idle_minutes, 0);
    const AgentConfig legacy(Json::parse(R"({"session": {"idleMinutes": 7}})"));
    EXPECT_FALSE(legacy.reset_policy("agent:main:main", Json::object()).daily);
    EXPECT_EQ(legacy.reset_policy("agent:main:main", Json::object()).idle_minutes, 7);
}

TEST(Prompt, HasTheWorkspaceFilesInOrderAndIsTheSameTwice) {
    const TemporaryDirectory directory;
    write_text(directory / "ws/USER.md", "Ann likes tea.");
    write_text(directory / "ws/AGENTS.md", "Be brief.");
    write_text(directory / "ws/memory.md", std::string(30'000, 'm'));
    Json json;
    json["agents"]["defaults"]["workspace"] = directory / "ws";
    const AgentConfig config(json);
    const AgentEntry& agent = *config.agent("main");
    const std::string text =
        system_prompt(config, agent, Json::array(), 1'769'767'200'000, "Speak French.");
    EXPECT_LT(text.find("Be brief."), text.find("Ann likes tea."));
    EXPECT_THAT(text, testing::AllOf(HasSubstr("2026-01-30"), HasSubstr("Speak French."),
                                     HasSubstr("bytes left out")));
    EXPECT_LT(text.size(), 25'000u);
    EXPECT_EQ(text,
              system_prompt(config, agent, Json::array(), 1'769'770'800'000, "Speak French."));
    const Json tools = Json::array({{{"name", "read"}, {"description", "Read a file. More."}}});
    EXPECT_THAT(system_prompt(config, agent, tools, 1'769'767'200'000, ""),
                testing::AllOf(HasSubstr("- read: Read a file\n"), HasSubstr(directory / "ws"),
                               testing::Not(HasSubstr("no tools"))));
    EXPECT_EQ(shortened("äöü", 4), "ä\n\n[… 4 bytes left out …]\n\n");
}

TEST(Prompt, ListsTheSkillsThatCanBeRead) {
    const TemporaryDirectory directory;
    write_text(directory / "ws/skills/tea/SKILL.md",
               "---\nname: tea\ndescription: Makes <b>tea.\n---\nBoil water.\n");
    write_text(directory / "ws/skills/off/SKILL.md",
               "---\nname: off\ndescription: Is not wanted.\n---\n");
    Json json;
    json["agents"]["defaults"]["workspace"] = directory / "ws";
    json["skills"]["entries"]["off"]["enabled"] = false;
    const AgentConfig config(json);
    const AgentEntry& agent = *config.agent("main");
    const Json read = Json::array({{{"name", "read"}, {"description", "Read a file."}}});
    EXPECT_THAT(
        system_prompt(config, agent, read, 1'769'767'200'000, ""),
        testing::AllOf(HasSubstr("<name>tea</name><description>Makes  b tea.</description>"
                                 "<location>skills/tea/SKILL.md</location>"),
                       testing::Not(HasSubstr("Boil")), testing::Not(HasSubstr("wanted."))));
    EXPECT_THAT(system_prompt(config, agent, Json::array(), 1'769'767'200'000, ""),
                testing::Not(HasSubstr("<skill>")));
}

TEST(Prompt, ShowsCallersAndSpawnedSessionsNothingOfTheOwners) {
    const TemporaryDirectory directory;
    for (const char* name : {"AGENTS.md", "SOUL.md", "TOOLS.md", "USER.md", "MEMORY.md"})
        write_text(directory / (std::string("ws/") + name), std::string("This is ") + name);
    Json json;
    json["agents"]["defaults"]["workspace"] = directory / "ws";
    const AgentConfig config(json);
    const auto shown = [&](std::string_view key) {
        return system_prompt(config, *config.agent("main"), Json::array(), 1'769'767'200'000, "",
                             key);
    };
    EXPECT_THAT(shown("agent:main:main"),
                testing::AllOf(HasSubstr("is USER.md"), HasSubstr("is MEMORY.md")));
    for (const char* key : {"agent:main:voice:4915112345", "agent:main:subagent:1"})
        EXPECT_THAT(shown(key),
                    testing::AllOf(HasSubstr("is AGENTS.md"), testing::Not(HasSubstr("is USER.md")),
                                   testing::Not(HasSubstr("is MEMORY.md"))))
            << key;
    EXPECT_THAT(shown("agent:main:voice:4915112345"), HasSubstr("is SOUL.md"));
    EXPECT_THAT(shown("agent:main:subagent:1"), HasSubstr("is TOOLS.md"));
}

// Commands write in the workspace; what they link to is not theirs to show.
TEST(Prompt, FollowsNoLinkOutOfTheWorkspace) {
    const TemporaryDirectory directory;
    write_text(directory / "secret.txt", "the key");
    write_text(directory / "ws/USER.md", "Ann");
    std::filesystem::create_symlink(directory / "secret.txt", directory / "ws/AGENTS.md");
    Json json;
    json["agents"]["defaults"]["workspace"] = directory / "ws";
    const AgentConfig config(json);
    const std::string text =
        system_prompt(config, *config.agent("main"), Json::array(), 1'769'767'200'000, "");
    EXPECT_THAT(text, testing::AllOf(HasSubstr("Ann"), testing::Not(HasSubstr("the key"))));
}

}  // namespace agent
