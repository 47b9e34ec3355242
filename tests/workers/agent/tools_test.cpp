// Tools that a program calls without a model in between, who may use them, and agents' pictures.

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/workers/agent/support.h"
#include "workers/agent/agent_access.h"
#include "workers/agent/avatar.h"
#include "workers/agent/tool_policy.h"

namespace agent {

namespace {

bool allowed(const char* config, std::string_view tool,
             const ToolCaller& caller = {"main", "p", "m", "agent:main:x"}) {
    return tool_allowed(*parse_json(config), caller, tool);
}

class Tools : public testing::Test {
  protected:
    Json invoke(Life& life, const Json& params) { return life.ask("internal.tool", params); }

    TemporaryDirectory directory;
    ManualLoop loop;
};

}  // namespace

TEST(ToolPolicy, MatchesNamesGroupsAndStars) {
    EXPECT_TRUE(means_tool("exec", "exec"));
    EXPECT_TRUE(means_tool(" Exec ", "exec"));
    EXPECT_TRUE(means_tool("*", "exec"));
    EXPECT_TRUE(means_tool("sessions_*", "sessions_list"));
    EXPECT_TRUE(means_tool("*_list", "sessions_list"));
    EXPECT_TRUE(means_tool("s*s_*t", "sessions_list"));
    EXPECT_TRUE(means_tool("group:sessions", "session_status"));
    EXPECT_FALSE(means_tool("group:sessions", "exec"));
    EXPECT_FALSE(means_tool("sessions_*", "session_status"));
    EXPECT_FALSE(means_tool("group:none", "exec"));
    EXPECT_FALSE(means_tool("", "exec"));
    EXPECT_FALSE(means_tool("ab*ba", "aba"));
}

TEST(ToolPolicy, LetsEachLayerOnlyTakeAway) {
    EXPECT_TRUE(allowed("{}", "agents_list"));
    EXPECT_FALSE(allowed(R"({"tools":{"deny":["group:sessions"]}})", "sessions_list"));
    EXPECT_TRUE(allowed(R"({"tools":{"allow":["sessions_*"]}})", "sessions_list"));
    EXPECT_FALSE(allowed(R"({"tools":{"allow":["sessions_*"]}})", "agents_list"));
    EXPECT_FALSE(allowed(R"({"tools":{"allow":["*"],"deny":["agents_list"]}})", "agents_list"));
    EXPECT_TRUE(allowed(R"({"tools":{"allow":[]}})", "agents_list"));
    const char* own = R"({"tools":{"deny":["a"]},"agents":{"list":[
        {"id":"Main","tools":{"allow":["agents_list"]}},{"id":"ops","tools":{"deny":["*"]}}]}})";
    EXPECT_TRUE(allowed(own, "agents_list"));
    EXPECT_FALSE(allowed(own, "sessions_list"));
    EXPECT_FALSE(allowed(own, "agents_list", {"ops", "p", "m", ""}));
}

TEST(ToolPolicy, KnowsProfilesAndProviders) {
    EXPECT_TRUE(allowed(R"({"tools":{"profile":"minimal"}})", "session_status"));
    EXPECT_FALSE(allowed(R"({"tools":{"profile":"minimal"}})", "sessions_list"));
    EXPECT_TRUE(allowed(R"({"tools":{"profile":"minimal","alsoAllow":["sessions_list"]}})",
                        "sessions_list"));
    EXPECT_TRUE(allowed(R"({"tools":{"profile":"coding"}})", "sessions_list"));
    EXPECT_FALSE(allowed(R"({"tools":{"profile":"messaging"}})", "agents_list"));
    EXPECT_TRUE(allowed(R"({"tools":{"profile":"full"}})", "agents_list"));
    const char* by_provider =
        R"({"tools":{"byProvider":{"p":{"deny":["*"]},"p/m":{"deny":["agents_list"]}}}})";
    EXPECT_FALSE(allowed(by_provider, "agents_list"));
    EXPECT_TRUE(allowed(by_provider, "sessions_list")) << "the model's own row counts";
    EXPECT_FALSE(allowed(by_provider, "sessions_list", {"main", "p", "other", ""}));
}

TEST(ToolPolicy, KeepsSpawnedSessionsFromTheirParents) {
    const ToolCaller spawned{"main", "p", "m", "agent:main:subagent:1"};
    EXPECT_FALSE(allowed("{}", "sessions_list", spawned));
    EXPECT_TRUE(allowed("{}", "read", spawned));
}

// Else a group of one channel could send to another by a task that belongs to neither.
TEST(ToolPolicy, KeepsSpawnedSessionsFromSendingMessages) {
    EXPECT_TRUE(allowed("{}", "message"));
    EXPECT_FALSE(allowed("{}", "message", {"main", "p", "m", "agent:main:subagent:1"}));
    EXPECT_FALSE(allowed(R"({"tools":{"allow":["message"]}})", "message",
                         {"main", "p", "m", "agent:ops:subagent:1"}));
}

// Whoever is on the line can forge a number.
TEST(ToolPolicy, LetsACallerDoLittle) {
    const Json config = Json::parse(R"({"tools": {"profile": "full"}})");
    const ToolCaller caller{"main", "p", "m", "agent:main:voice:15550001111"};
    for (const char* tool : {"session_status", "web_search"})
        EXPECT_TRUE(tool_allowed(config, caller, tool)) << tool;
    for (const char* tool : {"exec", "read", "write", "message", "sessions_send", "sessions_spawn",
                             "sessions_history", "cron", "memory_search", "voice_call"})
        EXPECT_FALSE(tool_allowed(config, caller, tool)) << tool;
}

TEST(ToolPolicy, HasALayerOfItsOwnForSpawnedSessions) {
    const ToolCaller spawned{"main", "p", "m", "agent:main:subagent:1"};
    const char* config = R"({"tools":{"subagents":{"tools":{"deny":["exec"]}}}})";
    EXPECT_FALSE(allowed(config, "exec", spawned));
    EXPECT_TRUE(allowed(config, "read", spawned));
    EXPECT_TRUE(allowed(config, "exec"));
    EXPECT_FALSE(
        allowed(R"({"tools":{"subagents":{"tools":{"allow":["read"]}}}})", "exec", spawned));
}

TEST(ToolPolicy, HasALayerForTheGroup) {
    const char* config = R"({"channels":{"telegram":{"groups":{
        "-1":{"tools":{"deny":["exec"]},
              "toolsBySender":{"555":{"allow":["*"]},"ann":{"allow":["*"]}}},
        "*":{"tools":{"allow":["read"]}}}}}})";
    ToolCaller caller{"main", "p", "m", "agent:main:telegram:group:-1"};
    EXPECT_FALSE(allowed(config, "exec", caller));
    EXPECT_TRUE(allowed(config, "read", caller));
    caller.sender = "555";
    EXPECT_TRUE(allowed(config, "exec", caller)) << "a rule of the person's comes first";
    caller.sender = "666";
    EXPECT_FALSE(allowed(config, "exec", caller));
    caller.sender = "";
    caller.session_key = "agent:main:telegram:group:-2:topic:7";
    EXPECT_FALSE(allowed(config, "write", caller)) << "that of all groups";
    EXPECT_TRUE(allowed(config, "read", caller));
    caller.session_key = "agent:main:telegram:dm:555";
    EXPECT_TRUE(allowed(config, "exec", caller));
    // What was spawned in the group.
    caller.session_key = "agent:main:subagent:1";
    caller.group = group_in("agent:main:telegram:group:-1");
    EXPECT_FALSE(allowed(config, "exec", caller));
    EXPECT_TRUE(rules_by_sender(*parse_json(config), "telegram"));
    EXPECT_FALSE(rules_by_sender(*parse_json(config), "discord"));
}

TEST(ToolPolicy, FindsAGuildsRules) {
    const char* config = R"({"channels":{"discord":{"guilds":{
        "1":{"tools":{"deny":["exec"]},"requireMention":false,
             "channels":{"10":{"tools":{"deny":["write"]}},"general":{"tools":{"allow":["read"]}}}},
        "my-guild":{"tools":{"deny":["message"]}},
        "2":{"channels":{"20":{}}}}}}})";
    ToolCaller caller{"main", "p", "m", "agent:main:discord:channel:10"};
    caller.group = group_in(caller.session_key);
    caller.group.guild = "1";
    EXPECT_TRUE(allowed(config, "exec", caller)) << "the channel's own rule stands for the guild's";
    EXPECT_FALSE(allowed(config, "write", caller));
    EXPECT_FALSE(needs_mention(*parse_json(config), caller.group));
    caller.group.id = "11";
    caller.group.title = "#General";
    EXPECT_FALSE(allowed(config, "exec", caller));
    EXPECT_TRUE(allowed(config, "read", caller));
    caller.group.title = "#other";
    EXPECT_FALSE(allowed(config, "exec", caller));
    EXPECT_TRUE(allowed(config, "write", caller));
    caller.group.guild = "3";  // may be the one that is listed by name
    EXPECT_FALSE(allowed(config, "message", caller));
    EXPECT_TRUE(allowed(config, "exec", caller));
    caller.group.guild = "2";
    EXPECT_TRUE(allowed(config, "message", caller));
    EXPECT_TRUE(needs_mention(*parse_json(config), caller.group));
}

TEST(ToolPolicy, TakesNoTitleForTheIdOfAnotherChat) {
    const char* config = R"({"channels":{
        "telegram":{"groups":{"-1001":{"tools":{"allow":["*"]}},"*":{"tools":{"deny":["exec"]}}}},
        "discord":{"guilds":{"1":{"tools":{"deny":["exec"]},
            "channels":{"10":{"tools":{"allow":["*"]}}}}}}}})";
    ToolCaller caller{"main", "p", "m", "agent:main:telegram:group:-2002"};
    caller.group = group_in(caller.session_key);
    caller.group.title = "-1001";
    EXPECT_FALSE(allowed(config, "exec", caller));
    caller.session_key = "agent:main:discord:channel:11";
    caller.group = group_in(caller.session_key);
    caller.group.guild = "1";
    caller.group.title = "#10";
    EXPECT_FALSE(allowed(config, "exec", caller));
}

TEST(ToolPolicy, BindsATurnThatNobodyWroteAsItBindsAnyPerson) {
    const char* config = R"({"channels":{"telegram":{"groups":{"-1001":{
        "toolsBySender":{"7":{"deny":["exec"]}}}}}}})";
    ToolCaller caller{"main", "p", "m", "agent:main:telegram:group:-1001"};
    caller.group = group_in(caller.session_key);
    EXPECT_FALSE(allowed(config, "exec", caller)) << "it may tell the end of a task of his";
    caller.sender = "8";
    EXPECT_TRUE(allowed(config, "exec", caller));
    caller.sender = "7";
    EXPECT_FALSE(allowed(config, "exec", caller));
}

TEST(AgentAccess, IsShutUntilItIsOpened) {
    EXPECT_TRUE(may_reach_agent(Json::object(), "main", "main"));
    EXPECT_FALSE(may_reach_agent(Json::object(), "main", "ops"));
    const Json open = *parse_json(R"({"tools":{"agentToAgent":{"enabled":true}}})");
    EXPECT_TRUE(may_reach_agent(open, "main", "ops"));
    const Json listed =
        *parse_json(R"({"tools":{"agentToAgent":{"enabled":true,"allow":["Main","op*"]}}})");
    EXPECT_TRUE(may_reach_agent(listed, "main", "ops"));
    EXPECT_FALSE(may_reach_agent(listed, "main", "other"));
    EXPECT_FALSE(may_reach_agent(listed, "other", "ops"));
}

TEST(AgentAccess, NamesTheAgentsThatTasksMayRunAs) {
    const Json config = *parse_json(R"({"agents":{"list":[
        {"id":"main","subagents":{"allowAgents":["Ops"]}},
        {"id":"any","subagents":{"allowAgents":["*"]}},{"id":"ops"}]}})");
    EXPECT_EQ(spawn_refusal(config, "main", "ops"), "");
    EXPECT_EQ(spawn_refusal(config, "any", "main"), "");
    EXPECT_EQ(spawn_refusal(config, "ops", "ops"), "");
    EXPECT_NE(spawn_refusal(config, "ops", "main").find("(allowed: none)"), std::string::npos);
    EXPECT_NE(spawn_refusal(config, "main", "any").find("(allowed: Ops)"), std::string::npos);
}

TEST_F(Tools, TellWhatMethodsTell) {
    Life life(directory.path(), loop);
    life.send("main", "hello", "r1");
    const Json list = invoke(life, {{"tool", "sessions_list"}, {"args", {{"limit", 5}}}});
    EXPECT_EQ(list["ok"], true) << print_json(list);
    EXPECT_EQ(list["result"]["details"]["sessions"][0]["key"], "agent:main:main");
    EXPECT_EQ(*parse_json(text_member(list["result"]["content"][0], "text")),
              list["result"]["details"]);
    const Json agents = invoke(life, {{"tool", "agents_list"}});
    EXPECT_EQ(agents["result"]["details"]["defaultId"], "main");
    const Json status = invoke(life, {{"tool", "session_status"}, {"sessionKey", "main"}});
    EXPECT_NE(text_member(status["result"]["content"][0], "text").find("agent:main:main"),
              std::string::npos);
    const Json history =
        invoke(life, {{"tool", "sessions_history"}, {"args", {{"sessionKey", "agent:main:main"}}}});
    EXPECT_EQ(history["result"]["details"]["messages"][0]["role"], "user");
}

TEST_F(Tools, AreNotFoundUnlessTheyAreOfferedAndAllowed) {
    Life life(directory.path(), loop, {{"tools", {{"deny", {"agents_list"}}}}});
    for (const char* name : {"exec", "sessions_send", "sessions_spawn", "agents_list", "x"})
        EXPECT_EQ(invoke(life, {{"tool", name}})["type"], "not_found") << name;
    EXPECT_EQ(invoke(life, {{"tool", "sessions_list"}, {"args", {{"x", 1}}}})["type"],
              "tool_error");
    EXPECT_EQ(invoke(life, {{"tool", "sessions_list"}, {"args", {{"limit", "x"}}}})["type"],
              "tool_error");
}

TEST(Avatars, AreAddressesFilesOrNeither) {
    const AgentEntry entry{"main", "", nullptr, "/ws", ""};
    EXPECT_EQ(avatar_of({"n", "https://h/a.png"}, entry).url, "https://h/a.png");
    EXPECT_EQ(avatar_of({"n", "data:image/png;base64,x"}, entry).url.substr(0, 5), "data:");
    EXPECT_EQ(avatar_of({"n", "pictures/Me.PNG"}, entry).file, "pictures/Me.PNG");
    EXPECT_EQ(avatar_of({"n", "/ws/me.svg"}, entry).file, "me.svg");
    EXPECT_EQ(avatar_of({"n", "/ws/me.svg"}, entry).mime_type, "image/svg+xml");
    EXPECT_EQ(avatar_of({"n", "🦞"}, entry).file, "");
    EXPECT_EQ(base64_of(""), "");
    EXPECT_EQ(base64_of("a"), "YQ==");
    EXPECT_EQ(base64_of("ab"), "YWI=");
    EXPECT_EQ(base64_of("abc\xff"), "YWJj/w==");
}

TEST(Avatars, StayInTheWorkspace) {
    TemporaryDirectory directory;
    ManualLoop loop;
    write_text(directory / "ws/me.png", "picture");
    write_text(directory / "secret.png", "secret");
    std::filesystem::create_symlink("../secret.png", directory / "ws/link.png");
    const auto avatar = [&](const std::string& name) {
        Life life(directory.path(), loop,
                  {{"agents",
                    {{"list",
                      {{{"id", "main"},
                        {"workspace", directory / "ws"},
                        {"identity", {{"name", "Bob"}, {"avatar", name}}}}}}}}});
        return life.ask("internal.avatar", {{"agentId", "main"}, {"content", true}});
    };
    const Json own = avatar("me.png");
    EXPECT_EQ(own["name"], "Bob");
    EXPECT_EQ(own["mimeType"], "image/png");
    EXPECT_EQ(own["content"], base64_of("picture"));
    for (const std::string& out : {std::string("../secret.png"), std::string("link.png"),
                                   directory / "secret.png", std::string("none.png")}) {
        const Json answer = avatar(out);
        EXPECT_FALSE(answer.contains("content")) << out;
        EXPECT_FALSE(answer.contains("mimeType")) << out;
    }
    EXPECT_EQ(avatar("https://h/a.png")["url"], "https://h/a.png");
}

}  // namespace agent
