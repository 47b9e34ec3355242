// System events, waking and heartbeats.

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Events : public testing::Test {
  protected:
    Events() {
        setenv("TZ", "UTC", 1);
        tzset();
    }
    Json wake(const std::string& mode, const std::string& text) {
        Json answer = life.ask("wake", {{"mode", mode}, {"text", text}});
        loop.settle();
        return answer;
    }
    std::string asked() { return message_text(life.models.last().request.messages.back()); }
    Json waiting() { return life.ask("internal.status", Json::object())["queuedSystemEvents"]; }

    TemporaryDirectory directory;
    ManualLoop loop;
    Life life{directory.path(), loop};
};

}  // namespace

TEST_F(Events, AreShownToTheNextTurnOfTheMainSessionOnce) {
    EXPECT_EQ(wake("next-heartbeat", "the kettle\nboils"), (Json{{"ok", true}}));
    EXPECT_EQ(life.ask("internal.system-event", {{"text", "door opened"}}), (Json{{"ok", true}}));
    EXPECT_TRUE(life.models.calls.empty());
    EXPECT_EQ(waiting(), (Json{"the kettle boils", "door opened"}));
    life.send("other", "hello", "r0");
    EXPECT_EQ(asked(), "hello") << "another session";
    life.send("main", "hello", "r1");
    EXPECT_EQ(asked(),
              "System: [2026-01-30 10:00:00 UTC] the kettle boils\n"
              "System: [2026-01-30 10:00:00 UTC] door opened\n\nhello");
    EXPECT_EQ(waiting(), Json::array());
    life.models.last().finish("hi");
    loop.settle();
    life.send("main", "again", "r2");
    EXPECT_EQ(asked(), "again");
}

TEST_F(Events, WakeWithTheModeNowStartsATurn) {
    EXPECT_EQ(wake("now", "the backup failed"), (Json{{"ok", true}}));
    ASSERT_EQ(life.models.calls.size(), 1u);
    EXPECT_THAT(asked(), StartsWith("System: [2026-01-30 10:00:00 UTC] the backup failed\n"));
    life.models.last().finish("I saw it.");
    loop.settle();
    EXPECT_EQ(life.events.last("chat final")->session_key, "agent:main:main");
    EXPECT_EQ(message_text(life.history("main")[1]), "I saw it.");
}

TEST_F(Events, AreAskedForProperly) {
    EXPECT_EQ(wake("now", " "), (Json{{"ok", false}}));
    EXPECT_TRUE(life.models.calls.empty());
    EXPECT_THAT(text_member(wake("later", "x"), "message"), HasSubstr("use now or next-heartbeat"));
    EXPECT_THAT(text_member(life.ask("wake", {{"mode", "now"}}), "message"),
                HasSubstr("must have required property 'text'"));
}

TEST_F(Events, AreBoundedAndNotRepeated) {
    for (int i = 0; i < 25; ++i) wake("next-heartbeat", "event " + std::to_string(i));
    wake("next-heartbeat", "event 24");
    const Json texts = waiting();
    ASSERT_EQ(texts.size(), SystemEvents::most);
    EXPECT_EQ(texts[0], "event 5");
    EXPECT_EQ(texts[19], "event 24");
    SystemEvents events;
    const SessionKey key{"main", "agent:main:main"};
    std::string text;
    for (int i = 0; i < 3000; ++i) text += "ä";
    EXPECT_TRUE(events.add(key, text, 0));
    EXPECT_EQ(events.waiting(key)[0].size(), SystemEvents::longest_text + 3);
    EXPECT_FALSE(events.add(key, text, 0));
}

TEST_F(Events, StayForTheNextTurnWhenOneIsAbortedBeforeItsBeginning) {
    life.send("main", "busy", "r1");
    wake("next-heartbeat", "news");
    life.send("main", "unwanted", "r2");
    life.ask("chat.abort", {{"sessionKey", "main"}, {"runId", "r2"}});
    life.models.last().finish("done");
    loop.settle();
    life.send("main", "next", "r3");
    EXPECT_THAT(asked(), HasSubstr("news"));
}

TEST_F(Events, WaitOverTheEndOfTheProcess) {
    wake("next-heartbeat", "remember me");
    Life next{directory.path(), loop};
    ASSERT_TRUE(next.heartbeats->start());
    EXPECT_EQ(next.system_events.waiting({"main", "agent:main:main"}),
              std::vector<std::string>{"remember me"});
    next.send("main", "hello", "r1");
    Life last{directory.path(), loop};
    ASSERT_TRUE(last.heartbeats->start());
    EXPECT_TRUE(last.system_events.waiting({"main", "agent:main:main"}).empty());
}

TEST_F(Events, OfAHeartAreNoneBeforeTheFirst) {
    EXPECT_EQ(life.call("last-heartbeat", Json::object())->front().payload_json, "null");
    EXPECT_EQ(life.ask("set-heartbeats", Json::object())["code"], "INVALID_REQUEST");
}

TEST_F(Events, StatusFlagsWhatSetsASessionApart) {
    life.ask("sessions.patch",
             {{"key", "main"}, {"thinkingLevel", "high"}, {"verboseLevel", "on"}});
    life.send("main", "x", "r1");
    life.models.last().finish("y");
    loop.settle();
    const Json row = life.ask("internal.status", Json::object())["sessions"]["recent"][0];
    EXPECT_THAT(
        row["flags"].get<std::vector<std::string>>(),
        ElementsAre("think:high", "verbose:on", "system", "id:" + text_member(row, "sessionId")));
}

}  // namespace agent
