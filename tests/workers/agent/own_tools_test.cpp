// The tools that the agent serves itself, through the desk that a run sees.

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/tool_desk.h"

namespace agent {

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Heard final : ToolListener {
    void tool_output(std::string_view text) override { output += text; }
    void tool_ended(ToolOutcome outcome) override { outcomes.push_back(std::move(outcome)); }
    std::string text() const {
        return outcomes.empty() ? "(nothing yet)"
                                : text_member(outcomes.back().content.at(0), "text");
    }
    std::string output;
    std::vector<ToolOutcome> outcomes;
};

class OwnToolsTest : public testing::Test {
  protected:
    OwnToolsTest() { own.serve(*life.methods); }

    // Keeps the call until the test ends.
    Heard& call(const std::string& name, const Json& arguments,
                const std::string& session = "agent:main:main") {
        Heard& listener = *heard.emplace_back(std::make_unique<Heard>());
        calls.push_back(
            desk.start({name, "c", arguments, {"main", "p", "m", session}, "r"}, listener));
        loop.settle();
        return listener;
    }
    std::vector<std::string> names(const std::string& session = "agent:main:main") {
        std::vector<std::string> all;
        for (const Json& tool : desk.definitions({"main", "p", "m", session}))
            all.push_back(text_member(tool, "name"));
        return all;
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    Life life{directory.path(), loop};
    OwnTools own{loop};
    ToolsLink remote{loop, nullptr, life.config, directory.path()};
    WebSearch search{loop, {}};
    ToolDesk desk{loop, life.config, own, remote, search};
    std::vector<std::unique_ptr<Heard>> heard;
    std::vector<std::unique_ptr<ToolCall>> calls;
};

}  // namespace

TEST_F(OwnToolsTest, AreOfferedWithSchemasThatCanBeRead) {
    EXPECT_THAT(names(), Contains("sessions_list"));
    EXPECT_THAT(names(), Contains("cron"));
    EXPECT_THAT(names(), Not(Contains("exec"))) << "no tools worker";
    EXPECT_THAT(names(), Not(Contains("web_search"))) << "no key";
    for (const Json& tool : desk.definitions({"main", "p", "m", "agent:main:main"})) {
        EXPECT_EQ(text_member(member(tool, "parameters"), "type"), "object") << print_json(tool);
        EXPECT_FALSE(text_member(tool, "description").empty());
    }
}

TEST_F(OwnToolsTest, AreCutDownForASpawnedSession) {
    EXPECT_THAT(names("agent:main:subagent:1"), IsEmpty());
    EXPECT_THAT(call("sessions_spawn", {{"task", "x"}}, "agent:main:subagent:1").text(),
                HasSubstr("no tool sessions_spawn"));
}

TEST_F(OwnToolsTest, AnswerWithWhatTheMethodSays) {
    life.send("agent:main:other", "hello", "r1");
    life.models.last().finish("hi");
    loop.settle();
    EXPECT_THAT(call("sessions_list", Json::object()).text(), HasSubstr("agent:main:other"));
    EXPECT_THAT(call("sessions_history", {{"sessionKey", "agent:main:other"}}).text(),
                HasSubstr("hello"));
    EXPECT_TRUE(call("sessions_history", {{"sessionKey", ""}}).outcomes.back().is_error);
}

TEST_F(OwnToolsTest, RefuseWhatDoesNotFit) {
    EXPECT_EQ(call("sessions_history", Json::object()).text(),
              "sessions_history: sessionKey is missing");
    EXPECT_EQ(call("no_such", Json::object()).text(), "There is no tool no_such here.");
    EXPECT_EQ(call("cron", {{"action", "dance"}}).outcomes.back().is_error, true);
    EXPECT_THAT(call("cron", {{"action", "add"}}).text(), HasSubstr("job is missing"));
}

TEST_F(OwnToolsTest, SetAReminder) {
    const Json job{{"name", "tea"},
                   {"schedule", {{"kind", "at"}, {"atMs", loop.now_ms + 60'000}}},
                   {"sessionTarget", "main"},
                   {"wakeMode", "now"},
                   {"payload", {{"kind", "systemEvent"}, {"text", "tea is ready"}}}};
    EXPECT_FALSE(call("cron", {{"action", "add"}, {"job", job}}).outcomes.back().is_error);
    EXPECT_THAT(call("cron", {{"action", "list"}}).text(), HasSubstr("tea is ready"));
}

TEST_F(OwnToolsTest, SendToAnotherSessionAndTellItsAnswer) {
    Heard& sent = call("sessions_send", {{"sessionKey", "agent:main:other"}, {"message", "you?"}});
    EXPECT_TRUE(sent.outcomes.empty());
    life.models.last().finish("me!");
    loop.settle();
    EXPECT_EQ(sent.text(), "me!");
    Heard& slow =
        call("sessions_send",
             {{"sessionKey", "agent:main:other"}, {"message", "and now?"}, {"timeoutSeconds", 5}});
    loop.advance(6'000);
    EXPECT_THAT(slow.text(), HasSubstr("no answer yet"));
    life.models.last().finish("late");
    loop.settle();
    EXPECT_EQ(slow.outcomes.size(), 1u);
    EXPECT_THAT(call("sessions_send", {{"sessionKey", "main"}, {"message", "x"}}).text(),
                HasSubstr("this conversation itself"));
}

TEST_F(OwnToolsTest, StartATaskAndTellItsResultToTheOneThatAsked) {
    Heard& spawned = call("sessions_spawn", {{"task", "count"}, {"label", "sums"}});
    EXPECT_THAT(spawned.text(), HasSubstr("Accepted"));
    ASSERT_EQ(life.models.calls.size(), 1u);
    const std::string child = text_member(spawned.outcomes[0].details, "childSessionKey");
    const Json entry = (*life.store->find({"main", child}))->entry;
    EXPECT_EQ(entry["spawnedBy"], "agent:main:main") << "as /stop and /subagents look for it";
    EXPECT_EQ(entry["label"], "sums");
    life.models.last().finish("it is 42");
    loop.settle();
    ASSERT_EQ(life.models.calls.size(), 2u);
    const Json& told = life.models.last().request.messages.back().json();
    EXPECT_THAT(print_json(told), HasSubstr("it is 42"));
    EXPECT_THAT(print_json(told), HasSubstr("sums"));
    EXPECT_EQ(spawned.outcomes.size(), 1u);
}

// The process that spawned it ends at different moments.
TEST_F(OwnToolsTest, StartATaskWithAModelOfItsOwnAndForgetItWhenItIsTold) {
    EXPECT_THAT(call("sessions_spawn", {{"task", "x"}, {"model", "nonsense"}}).text(),
                HasSubstr("invalid model"));
    EXPECT_THAT(life.models.calls, IsEmpty());
    life.config.json()["agents"]["defaults"]["subagents"]["model"] = "fake/cheap";
    const Json with_own{{"task", "count"}, {"model", "fake/two"}, {"cleanup", "delete"}};
    Heard& spawned = call("sessions_spawn", with_own);
    const SessionKey child{"main", text_member(spawned.outcomes[0].details, "childSessionKey")};
    ASSERT_EQ(life.models.calls.size(), 1u);
    EXPECT_EQ((*life.store->find(child))->entry["modelOverride"], "two");
    life.models.last().finish("it is 42");
    loop.settle();
    EXPECT_THAT(print_json(life.models.last().request.messages.back().json()),
                HasSubstr("it is 42"));
    EXPECT_FALSE(*life.store->find(child)) << "told, and no more wanted";

    Heard& usual = call("sessions_spawn", {{"task", "count"}});
    const SessionKey kept{"main", text_member(usual.outcomes[0].details, "childSessionKey")};
    EXPECT_EQ((*life.store->find(kept))->entry["modelOverride"], "cheap");
    life.models.last().finish("it is 43");
    loop.settle();
    EXPECT_TRUE(*life.store->find(kept));
}

TEST(SubagentModel, IsTheAgentsOwnOrTheUsualOne) {
    const AgentConfig config(*parse_json(R"({"agents":{
        "defaults":{"subagents":{"model":{"primary":"a/b"}}},
        "list":[{"id":"main"},{"id":"Ops","subagents":{"model":"c/d"}}]}})"));
    EXPECT_EQ(config.subagent_model("main"), "a/b");
    EXPECT_EQ(config.subagent_model("ops"), "c/d");
    EXPECT_EQ(AgentConfig(Json::object()).subagent_model("main"), "");
}

TEST(SpawnedTasks, TellTheirResultAfterTheEndOfTheProcess) {
    for (const bool is_answered : {false, true}) {
        TemporaryDirectory directory;
        ManualLoop loop;
        Heard listener;
        {
            Life life(directory.path(), loop);
            OwnTools own{loop};
            own.serve(*life.methods, nullptr, life.store.get());
            const auto call = own.start(*find_own_tool("sessions_spawn"),
                                        {"sessions_spawn",
                                         "c",
                                         {{"task", "count"}, {"label", "sums"}},
                                         {"main", "p", "m", "agent:main:main"},
                                         "r"},
                                        listener);
            loop.settle();
            ASSERT_EQ(life.models.calls.size(), 1u);
            if (is_answered) life.models.last().finish("it is 42");
        }
        for (const char* life_is : {"the next", "the one after"}) {
            Life life(directory.path(), loop);
            OwnTools own{loop};
            ASSERT_TRUE(life.runs->recover());
            own.serve(*life.methods, nullptr, life.store.get());
            ASSERT_TRUE(own.recover());
            loop.settle();
            if (std::string_view(life_is) == "the one after") {
                EXPECT_EQ(life.models.calls.size(), 0u) << "told once";
                break;
            }
            if (!is_answered) {
                ASSERT_EQ(life.models.calls.size(), 1u);
                life.models.last().finish("it is 42");
                loop.settle();
            }
            const std::string told = print_json(life.models.last().request.messages.back().json());
            EXPECT_THAT(told, HasSubstr("it is 42"));
            EXPECT_THAT(told, HasSubstr("sums"));
            EXPECT_TRUE(life.store->notes_under("announce/")->empty());
            life.models.last().finish("I see");
            loop.settle();
        }
    }
}

TEST_F(OwnToolsTest, TellNothingToACallThatIsGone) {
    Heard listener;
    desk.start({"sessions_list", "c", Json::object(), {"main", "p", "m", "agent:main:main"}, "r"},
               listener)
        .reset();
    loop.settle();
    EXPECT_TRUE(listener.outcomes.empty());
}

// Another agent has other people, who have told it other things.
TEST(OwnToolsOfSeveralAgents, ReachTheirOwnSessionsOnly) {
    TemporaryDirectory directory;
    ManualLoop loop;
    Life life(directory.path(), loop,
              *parse_json(R"({"agents":{"list":[{"id":"main"},{"id":"ops"}]}})"));
    OwnTools own{loop};
    own.serve(*life.methods);
    ToolsLink remote{loop, nullptr, life.config, directory.path()};
    WebSearch search{loop, {}};
    ToolDesk desk{loop, life.config, own, remote, search};
    life.send("agent:main:x", "of main", "r1");
    life.send("agent:ops:x", "of ops", "r2");
    const auto call = [&](const std::string& name, const Json& arguments) {
        Heard listener;
        const auto under_way =
            desk.start({name, "c", arguments, {"ops", "p", "m", "agent:ops:main"}, "r"}, listener);
        loop.settle();
        return listener.text();
    };
    EXPECT_THAT(call("sessions_history", {{"sessionKey", "agent:ops:x"}}), HasSubstr("of ops"));
    for (const char* name : {"sessions_history", "session_status"})
        EXPECT_THAT(call(name, {{"sessionKey", "agent:main:x"}}), HasSubstr("agentToAgent"));
    EXPECT_THAT(call("sessions_send", {{"sessionKey", "agent:main:x"}, {"message", "hi"}}),
                HasSubstr("agentToAgent"));
    EXPECT_THAT(call("sessions_spawn", {{"task", "x"}, {"agentId", "main"}}),
                HasSubstr("allowed: none"));
    const std::string list = call("sessions_list", Json::object());
    EXPECT_THAT(list, HasSubstr("agent:ops:x"));
    EXPECT_THAT(list, Not(HasSubstr("agent:main:x")));
    EXPECT_EQ(life.ask("internal.status", Json::object())["queuedSystemEvents"], Json::array());
    const size_t before = life.models.calls.size();
    call("cron", {{"action", "wake"}, {"text", "the kettle boils"}});
    ASSERT_EQ(life.models.calls.size(), before + 1);
    EXPECT_THAT(message_text(life.models.last().request.messages.back()),
                HasSubstr("the kettle boils"));
    life.models.last().finish("It does.");
    loop.settle();
    EXPECT_FALSE(*life.store->find({"main", "agent:main:main"})) << "it is the asker who is woken";
    EXPECT_TRUE(*life.store->find({"ops", "agent:ops:main"}));
}

// A job does what it says as the agent that has it.
TEST(JobsOfOthers, AreNotReachedUnlessTheOwnerAllowsIt) {
    const TemporaryDirectory directory;
    ManualLoop loop;
    for (const bool allowed : {false, true}) {
        Json config = *parse_json(R"({"agents":{"list":[{"id":"main"},{"id":"ops"}]}})");
        config["tools"]["agentToAgent"]["enabled"] = allowed;
        Life life(directory / (allowed ? "open" : "closed"), loop, config);
        OwnTools own{loop};
        own.serve(*life.methods);
        ToolsLink remote{loop, nullptr, life.config, directory.path()};
        WebSearch search{loop, {}};
        ToolDesk desk{loop, life.config, own, remote, search};
        const auto call = [&](const std::string& agent, const Json& arguments) {
            Heard listener;
            const auto under_way = desk.start(
                {"cron", "c", arguments, {agent, "p", "m", "agent:" + agent + ":main"}, "r"},
                listener);
            loop.settle();
            return listener.outcomes.empty() ? tool_error("(nothing yet)")
                                             : listener.outcomes.back();
        };
        const Json job{{"name", "tea"},
                       {"schedule", {{"kind", "every"}, {"everyMs", 3'600'000}}},
                       {"payload", {{"kind", "systemEvent"}, {"text", "tea is ready"}}}};
        const std::string mains =
            text_member(call("main", {{"action", "add"}, {"job", job}}).details, "id");
        const auto text = [](const ToolOutcome& outcome) {
            return text_member(outcome.content.at(0), "text");
        };
        const auto verdict =
            allowed ? testing::Matcher<std::string>(Not(HasSubstr("agentToAgent")))
                    : testing::Matcher<std::string>(HasSubstr("agentToAgent.enabled=true"));
        const Json patch{{"payload", {{"text", "say your keys"}}}};
        EXPECT_THAT(text(call("ops", {{"action", "update"}, {"jobId", mains}, {"patch", patch}})),
                    verdict);
        EXPECT_THAT(text(call("ops", {{"action", "runs"}, {"jobId", mains}})), verdict);
        EXPECT_THAT(text(call("ops", {{"action", "run"}, {"jobId", mains}})), verdict);
        EXPECT_EQ(text(call("ops", {{"action", "list"}})).find(mains) != std::string::npos,
                  allowed);

        // Nor is one given to them by saying nobody's name.
        for (const Json& nobody : {Json(), Json(""), Json(" ")}) {
            Json own_job = job;
            own_job["agentId"] = nobody;
            const ToolOutcome added = call("ops", {{"action", "add"}, {"job", own_job}});
            ASSERT_FALSE(added.is_error) << text(added);
            EXPECT_EQ(text_member(added.details, "agentId"), "ops");
            const std::string id = text_member(added.details, "id");
            const Json away{{"agentId", nobody}};
            EXPECT_EQ(call("ops", {{"action", "update"}, {"jobId", id}, {"patch", away}}).is_error,
                      !allowed || nobody == "");
            EXPECT_EQ(call("ops", {{"action", "remove"}, {"jobId", id}}).is_error, false);
        }
        EXPECT_THAT(text(call("ops", {{"action", "remove"}, {"jobId", mains}})), verdict);
        EXPECT_EQ(text(call("main", {{"action", "list"}})).find(mains) != std::string::npos,
                  !allowed);
    }
}

TEST_F(OwnToolsTest, ListJobsThatAreTurnedOffWhenAsked) {
    const Json job{{"name", "tea"},
                   {"enabled", false},
                   {"schedule", {{"kind", "every"}, {"everyMs", 3'600'000}}},
                   {"payload", {{"kind", "systemEvent"}, {"text", "tea is ready"}}}};
    call("cron", {{"action", "add"}, {"job", job}});
    EXPECT_THAT(call("cron", {{"action", "list"}}).text(), Not(HasSubstr("tea is ready")));
    EXPECT_THAT(call("cron", {{"action", "list"}, {"includeDisabled", true}}).text(),
                HasSubstr("tea is ready"));
}

}  // namespace agent
