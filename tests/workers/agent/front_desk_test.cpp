// Commands and directives as people give them, wherever they write.

#include "workers/agent/front_desk.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/command_approvals.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Desk : public testing::Test {
  protected:
    void begin(Json config = Json::object()) {
        life = std::make_unique<Life>(directory.path(), loop, std::move(config));
    }
    Taken take(Said said) {
        if (!life) begin();
        said.order.record.method = "channel";
        said.order.record.run_id = "r" + std::to_string(++number);
        said.order.record.session = session;
        said.order.record.spelling = session.key;
        said.compose = [](const std::string& text) -> Result<Json> {
            return Json{{"role", "user"},
                        {"content", Json::array({{{"type", "text"}, {"text", "[Ann] " + text}}})}};
        };
        std::optional<Result<Taken>> answer;
        life->desk->take(std::move(said), [&](Result<Taken> taken) { answer = taken; });
        loop.settle();
        if (!answer || !*answer) {
            ADD_FAILURE() << (answer ? answer->error().what : "no answer");
            return {};
        }
        return **answer;
    }
    Taken owner(const std::string& text) {
        Said said;
        said.text = text;
        said.may_command = true;
        said.channel = "telegram";
        said.sender_id = "555";
        return take(std::move(said));
    }
    Taken stranger(const std::string& text) {
        Said said;
        said.text = text;
        said.channel = "telegram";
        said.sender_id = "666";
        return take(std::move(said));
    }
    std::string reply(const std::string& text) { return owner(text).reply; }
    Json entry() { return (*life->store->find(session))->entry; }
    std::string asked() { return message_text(life->models.last().request.messages.back()); }

    const SessionKey session{"main", "agent:main:telegram:dm:555"};
    TemporaryDirectory directory;
    ManualLoop loop;
    std::unique_ptr<Life> life;
    int number = 0;
};

}  // namespace

TEST_F(Desk, AMessageBecomesATurn) {
    const Taken taken = owner("hello");
    EXPECT_EQ(taken.as, Taken::As::turn);
    EXPECT_TRUE(life->runs->find("r1"));
    EXPECT_EQ(asked(), "[Ann] hello");
}

TEST(CommandApproval, TakesADecisionOnce) {
    std::string id, told;
    int64_t now = 1'000;
    CommandApprovals approvals(
        [&](uint64_t, const Json& request) { id = text_member(request, "id"); },
        [&](const std::string& which, const std::string& decision, const std::string& by) {
            told = which + " " + decision + " " + by;
            return Done();
        },
        [&] { return now; });
    approvals.wanted(7, {{"command", "cat x"}});
    EXPECT_THAT(approvals.decide("", "ann").error().what, HasSubstr(id + ": cat x"));
    EXPECT_THAT(approvals.decide(id + " perhaps", "ann").error().what, StartsWith("Usage"));
    EXPECT_THAT(*approvals.decide("nobody deny", "ann"), HasSubstr("unknown approval id"));
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(*approvals.decide("always " + id, "ann"),
              "✅ Exec approval allow-always submitted for " + id + ".");
    EXPECT_EQ(told, id + " allow-always ann");
    approvals.decided(7);
    EXPECT_THAT(*approvals.decide(id + " deny", "ann"), HasSubstr("unknown approval id"));
    approvals.wanted(8, {{"command", "cat y"}});
    now += CommandApprovals::longest_wait_ms + 1;
    EXPECT_THAT(*approvals.decide(id + " deny", "ann"), HasSubstr("unknown approval id"));
}

TEST_F(Desk, ApproveNeedsItsScope) {
    Said said;
    said.text = "/approve x deny";
    said.may_command = true;
    said.may_approve = false;
    EXPECT_THAT(take(said).reply, HasSubstr("operator.approvals"));
    EXPECT_EQ(stranger("/approve x deny").as, Taken::As::ignored);
    EXPECT_EQ(stranger("/allowlist add dm 666").as, Taken::As::ignored);
}

TEST_F(Desk, StatusTellsWhenAGroupIsAnswered) {
    begin(*parse_json(R"({"channels":{"telegram":{"groups":{"-1":{"requireMention":false}}}}})"));
    EXPECT_THAT(reply("/status"), testing::Not(HasSubstr("Activation")));
    EXPECT_THAT(*life->desk->status_of({"main", "agent:main:telegram:group:-1"}, "telegram"),
                HasSubstr("👥 Activation: always · 🪢 Queue"));
    EXPECT_THAT(*life->desk->status_of({"main", "agent:main:telegram:group:-2"}, "telegram"),
                HasSubstr("👥 Activation: mention"));
}

TEST_F(Desk, CommandsOfStrangersAreNotAnswered) {
    begin();
    for (const char* text : {"/status", "/new", "/think high", "/think", "/model fake/two", "/stop",
                             "/compact", "/bash ls"})
        EXPECT_EQ(stranger(text).as, Taken::As::ignored) << text;
    EXPECT_TRUE(life->models.calls.empty());
    EXPECT_FALSE(*life->store->find(session)) << "nothing was set";
}

TEST_F(Desk, WordsOfStrangersStayAsTheyAre) {
    EXPECT_EQ(stranger("/think high what is it?").as, Taken::As::turn);
    EXPECT_EQ(asked(), "[Ann] /think high what is it?");
    EXPECT_EQ(life->models.last().request.thinking, "off");
    life->models.last().finish("x");
    loop.settle();
    EXPECT_EQ(stranger("stop").as, Taken::As::turn) << "nobody's to stop";
    life->models.last().finish("x");
    loop.settle();
    EXPECT_EQ(stranger("!important: the door is open").as, Taken::As::turn);
    life->models.last().finish("x");
    loop.settle();
    EXPECT_EQ(asked(), "[Ann] !important: the door is open");
}

TEST_F(Desk, ADirectiveInAMessageCountsForItsTurn) {
    owner("/think high what is 6 by 7? /model fake/two");
    EXPECT_EQ(asked(), "[Ann] what is 6 by 7?");
    EXPECT_EQ(life->models.last().request.thinking, "high");
    EXPECT_EQ(life->models.last().request.candidates.front().model, "fake/two");
    life->models.last().finish("42");
    loop.settle();
    EXPECT_FALSE(entry().contains("thinkingLevel"));
    owner("and 7 by 8?");
    EXPECT_EQ(life->models.last().request.thinking, "off");
}

// As Telegram marks every "/word" that it lists, and Discord what was chosen there.
TEST_F(Desk, ANativeDirectiveBeforeAMessageCountsForItsTurn) {
    const auto native = [&](const std::string& text) {
        Said said;
        said.text = text;
        said.may_command = said.is_native_command = true;
        said.channel = "telegram";
        return take(std::move(said)).as;
    };
    for (const char* command : {"/think high", "/new /think high"}) {
        EXPECT_EQ(native(command + std::string(" what is 2+2")), Taken::As::turn);
        EXPECT_EQ(asked(), "[Ann] what is 2+2");
        EXPECT_EQ(life->models.last().request.thinking, "high") << command;
        life->models.last().finish("4");
        loop.settle();
    }
    EXPECT_EQ(native("/think low"), Taken::As::answered);
    EXPECT_EQ(entry()["thinkingLevel"], "low");
}

TEST_F(Desk, ADirectiveAloneCountsFromNowOn) {
    EXPECT_EQ(reply("/think high"), "Thinking level set to high.");
    EXPECT_EQ(entry()["thinkingLevel"], "high");
    owner("hello");
    EXPECT_EQ(life->models.last().request.thinking, "high");
    EXPECT_EQ(reply("/think"),
              "Current thinking level: high.\nOptions: off, minimal, low, medium, high, xhigh.");
    EXPECT_EQ(reply("/t off"), "Thinking disabled.");
    EXPECT_EQ(entry()["thinkingLevel"], "off");
    EXPECT_THAT(reply("/think hihg"), HasSubstr("Unrecognized thinking level \"hihg\""));
    EXPECT_EQ(reply("/think low /verbose full"),
              "Thinking level set to low.\n⚙️ Verbose logging set to full.");
    EXPECT_EQ(entry()["verboseLevel"], "full");
}

TEST_F(Desk, OffIsOffAlsoWhereTheDefaultIsNot) {
    begin({{"agents", {{"defaults", {{"thinkingDefault", "high"}}}}}});
    EXPECT_EQ(reply("/think off"), "Thinking disabled.");
    owner("hello");
    EXPECT_EQ(life->models.last().request.thinking, "off");
}

TEST_F(Desk, AModelThatReasonsThinksALittleUnlessItIsToldNotTo) {
    begin();
    reply("/model fake/thinker");
    EXPECT_THAT(reply("/think"), StartsWith("Current thinking level: low."));
    EXPECT_THAT(reply("/status"), HasSubstr("Think: low"));
    owner("hello");
    EXPECT_EQ(life->models.last().request.thinking, "low");
    life->models.last().finish("x");
    loop.settle();
    reply("/think off");
    owner("hello");
    EXPECT_EQ(life->models.last().request.thinking, "off");
}

TEST_F(Desk, AModelIsChosenByNameOrNumber) {
    begin();
    EXPECT_THAT(reply("/model"), StartsWith("Current: fake/one\nDefault: fake/one"));
    EXPECT_THAT(reply("/model list"), HasSubstr("\n2) fake/two\n3) fake/three"));
    EXPECT_EQ(reply("/model 3"), "Model set to fake/three.");
    EXPECT_EQ(entry()["modelOverride"], "three");
    EXPECT_EQ(reply("/model fake/two@work"), "Model set to fake/two with fake:work.");
    EXPECT_EQ(entry()["authProfileOverride"], "fake:work");
    EXPECT_THAT(reply("/status"), HasSubstr("🔑 api-key (fake:work)"));
    owner("hello");
    EXPECT_EQ(life->models.last().request.profile, "fake:work");
    life->models.last().finish("hi");
    loop.settle();
    EXPECT_THAT(reply("/model fake/two@home"), HasSubstr("there is no key \"home\""));
    EXPECT_THAT(reply("/model fake/two@home what is it?"), HasSubstr("there is no key \"home\""));
    EXPECT_THAT(reply("/model 9"), HasSubstr("there is no number 9"));
    EXPECT_THAT(reply("/model nonsense"), HasSubstr("no model nonsense"));
    EXPECT_EQ(reply("/model default"), "Model reset to default (fake/one).");
    EXPECT_FALSE(entry().contains("modelOverride"));
    EXPECT_FALSE(entry().contains("authProfileOverride"));
    EXPECT_THAT(reply("/models"), HasSubstr("- fake (3)"));
    EXPECT_THAT(reply("/models fake"), HasSubstr("- fake/three"));
    EXPECT_THAT(reply("/models none"), HasSubstr("no models of \"none\""));
}

TEST_F(Desk, TheQueueIsSetForTheSession) {
    begin();
    EXPECT_EQ(reply("/queue interrupt debounce:500ms cap:3 drop:new"),
              "⚙️ Queue mode set to interrupt (debounce 500ms, cap 3, drop new).");
    EXPECT_EQ(entry()["queueMode"], "interrupt");
    EXPECT_EQ(entry()["queueCap"], 3);
    EXPECT_THAT(reply("/queue"), StartsWith("Current queue settings: mode=interrupt"));
    EXPECT_THAT(reply("/queue quickly"), HasSubstr("\"quickly\" is not understood"));
    EXPECT_THAT(reply("/queue default"), StartsWith("⚙️ Queue reset to default: collect"));
    EXPECT_FALSE(entry().contains("queueMode"));
}

TEST_F(Desk, SessionSettingsAreKept) {
    begin();
    EXPECT_EQ(reply("/exec host=gateway security=full"),
              "⚙️ Exec defaults set (host=gateway, security=full).");
    EXPECT_EQ(entry()["execSecurity"], "full");
    EXPECT_EQ(reply("/usage tokens"), "⚙️ Usage footer: tokens.");
    EXPECT_EQ(entry()["responseUsage"], "tokens");
    EXPECT_THAT(reply("/usage sometimes"), HasSubstr("Usage: /usage off|tokens|full|cost"));
    EXPECT_EQ(reply("/send off"), "⚙️ Send policy set to off.");
    EXPECT_EQ(owner("hello").as, Taken::As::denied);
    EXPECT_EQ(reply("/send on"), "⚙️ Send policy set to on.");
    EXPECT_EQ(owner("hello").as, Taken::As::turn);
}

TEST_F(Desk, WhatATurnMayDoGoesAlongWithItsTools) {
    begin({{"tools", {{"elevated", {{"allowFrom", {{"telegram", {555}}}}}}}}});
    const auto exec_of = [&](const std::string& text) {
        owner(text);
        life->models.last().ask_for(
            "", Json::array({{{"id", "a"}, {"name", "exec"}, {"arguments", Json::object()}}}));
        const ExecChoice exec = life->tools.last().order.caller.exec;
        life->tools.last().listener->tool_ended(tool_text("done"));
        life->models.last().finish("ok");
        loop.settle();
        return exec.host + " " + exec.security + " " + exec.ask;
    };
    EXPECT_EQ(exec_of("hello"), "  ");
    EXPECT_EQ(exec_of("/exec host=gateway ask=always list the files"), "gateway  always");
    EXPECT_EQ(exec_of("again"), "  ") << "for one turn only";
    reply("/exec security=allowlist");
    EXPECT_EQ(exec_of("again"), " allowlist ");
    EXPECT_EQ(exec_of("/elevated full again"), "gateway full off");
    EXPECT_EQ(reply("/elevated on"), "⚙️ Elevated mode set to on.");
    EXPECT_EQ(exec_of("again"), "gateway  ");
}

TEST_F(Desk, OnlyThoseWhoAreNamedMayElevate) {
    begin({{"tools", {{"elevated", {{"allowFrom", {{"telegram", {"777"}}}}}}}}});
    EXPECT_THAT(reply("/elevated full"), HasSubstr("tools.elevated.allowFrom.telegram"));
    ASSERT_TRUE(life->desk->change_session(session, {{"elevatedLevel", "full"}}));
    owner("hello");
    life->models.last().ask_for(
        "", Json::array({{{"id", "a"}, {"name", "exec"}, {"arguments", Json::object()}}}));
    EXPECT_EQ(life->tools.last().order.caller.exec.security, "");
}

TEST_F(Desk, AFreshSessionBeginsWithWhatFollows) {
    owner("hello");
    life->models.last().finish("hi");
    loop.settle();
    const std::string former = text_member(entry(), "sessionId");
    EXPECT_EQ(owner("/new /think high start over").as, Taken::As::turn);
    EXPECT_NE(text_member(entry(), "sessionId"), former);
    EXPECT_EQ(asked(), "[Ann] start over");
    EXPECT_EQ(life->models.last().request.messages.size(), 1u);
    EXPECT_EQ(life->models.last().request.thinking, "high");
}

TEST_F(Desk, StoppingEndsWhatRunsAndWhatWaits) {
    owner("one");
    owner("two");
    const Taken taken = owner("stop");
    EXPECT_EQ(taken.as, Taken::As::stopped);
    EXPECT_EQ(taken.reply, "⚙️ Agent was aborted.");
    EXPECT_EQ(taken.stopped.size(), 2u);
    loop.settle();
    EXPECT_FALSE(life->runs->is_busy(session));
}

TEST_F(Desk, StoppingReachesSubagents) {
    begin();
    const SessionKey child{"main", "agent:main:subagent:1"};
    ASSERT_TRUE(life->desk->change_session(child, {{"spawnedBy", session.key}, {"label", "dig"}}));
    RunOrder order;
    order.record = {};
    order.record.method = "agent";
    order.record.run_id = "child";
    order.record.session = child;
    order.record.message = Json{{"role", "user"}, {"content", "dig"}};
    ASSERT_TRUE(life->runs->accept(std::move(order)));
    loop.settle();
    EXPECT_THAT(reply("/subagents"), HasSubstr("1) dig (running)"));
    EXPECT_EQ(owner("/stop").reply, "⚙️ Agent was aborted. Stopped 1 sub-agent.");
    loop.settle();
    EXPECT_THAT(reply("/subagents list"), HasSubstr("1) dig (done)"));
}

TEST_F(Desk, GatesAreNamed) {
    begin({{"commands", {{"debug", true}}}});
    EXPECT_EQ(reply("/config show"),
              "⚠️ /config is disabled. Set commands.config=true to enable.");
    EXPECT_THAT(reply("/debug"), HasSubstr("/debug is not offered here"));
    EXPECT_THAT(reply("/tts on"), HasSubstr("/tts is not offered here"));
}

TEST_F(Desk, TypedCommandsCanBeTurnedOffWhereThePlatformHasItsOwn) {
    begin({{"commands", {{"text", false}}}});
    EXPECT_EQ(owner("/status").as, Taken::As::turn);
    Said said;
    said.text = "/status";
    said.may_command = said.is_native_command = true;
    said.channel = "telegram";
    EXPECT_THAT(take(std::move(said)).reply, HasSubstr("Hardshell"));
}

TEST_F(Desk, TellsWhoAndWhatThereIs) {
    begin();
    EXPECT_THAT(reply("/whoami"), AllOf(HasSubstr("Channel: telegram"), HasSubstr("User id: 555")));
    EXPECT_THAT(reply("/status"),
                AllOf(HasSubstr("🧠 Model: fake/one"), HasSubstr("Queue: collect (depth 0)")));
    EXPECT_THAT(reply("/context"), HasSubstr("Conversation: 0 messages"));
    EXPECT_THAT(reply("/help"), HasSubstr("/commands"));
    EXPECT_THAT(reply("/commands"), HasSubstr("/send <on|off|inherit>"));
}

TEST_F(Desk, SkillsAreUsedByName) {
    begin();
    write_text(directory / "workspace/skills/weather/SKILL.md",
               "---\nname: weather\ndescription: tells it\n---\nLook out of the window.\n");
    EXPECT_EQ(owner("/skill weather in Rome").as, Taken::As::turn);
    EXPECT_EQ(asked(), "[Ann] Use the \"weather\" skill for this request.\n\nUser input:\nin Rome");
    EXPECT_THAT(reply("/skill magic"),
                HasSubstr("there is no skill \"magic\"; there are: weather"));
}

TEST_F(Desk, CostsAreToldWhenTheyAreCounted) {
    owner("hello");
    life->models.last().listener->done(
        Json{{"role", "assistant"},
             {"content", Json::array({{{"type", "text"}, {"text", "hi"}}})},
             {"provider", "fake"},
             {"model", "one"},
             {"usage", {{"input", 10}, {"output", 5}, {"totalTokens", 18}}},
             {"stopReason", "stop"},
             {"timestamp", loop.now_ms}});
    loop.settle();
    Said said;
    said.text = "/usage cost";
    said.may_command = true;
    said.order.record.session = session;
    std::string told;
    life->desk->take(std::move(said), [&](Result<Taken> taken) { told = taken->reply; });
    loop.advance(1000);
    EXPECT_EQ(told, "💸 Usage cost\nToday $2.50 · 18 tokens\nLast 30 days $2.50 · 18 tokens");
}

}  // namespace agent
