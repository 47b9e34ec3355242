// What becomes of messages that come while their session is busy.

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/gather.h"
#include "workers/agent/memory_flush.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Queueing : public testing::Test {
  protected:
    Queueing() { begin(); }
    void begin() {
        life.reset();
        life = std::make_unique<Life>(directory.path(), loop, config);
        life->runs->on_ended("channel", [this](const RunRecord& run) {
            ended.push_back(run.run_id + " " + run.status +
                            (run.was_passed_over() ? " " + run.summary : ""));
        });
        ASSERT_TRUE(life->runs->recover());
        loop.settle();
    }
    void configure(Json queue) {
        config["messages"]["queue"] = std::move(queue);
        begin();
    }
    Taken::As say(const std::string& text, const std::string& route = "chat", bool files = false) {
        Said said;
        said.text = text;
        said.may_command = true;
        said.has_files = files;
        said.channel = "telegram";
        said.order.record.method = "channel";
        said.order.record.run_id = text;
        said.order.record.session = session;
        said.order.record.route = route;
        said.compose = [](const std::string& rest) -> Result<Json> {
            return Json{{"role", "user"},
                        {"content", Json::array({{{"type", "text"}, {"text", rest}}})}};
        };
        Taken::As as = Taken::As::ignored;
        life->desk->take(std::move(said), [&](const Result<Taken>& taken) {
            EXPECT_TRUE(taken) << (taken ? "" : taken.error().what);
            if (taken) as = taken->as;
        });
        loop.settle();
        return as;
    }
    // The turn under way asks for a tool, which ends.
    void use_a_tool() {
        life->models.last().ask_for(
            "I look.",
            Json::array({{{"id", "a"}, {"name", "read"}, {"arguments", Json::object()}}}));
        life->tools.last().listener->tool_ended(tool_text("found"));
        loop.settle();
    }
    void answer() {
        life->models.last().finish("ok");
        loop.settle();
    }
    ExecChoice exec_of_a_tool() {
        use_a_tool();
        return life->tools.last().order.caller.exec;
    }
    // Killed when the message is in the conversation of the turn and not yet in the journal.
    void die_while_it_steers(const std::string& message, const std::string& turn) {
        life->models.last().ask_for(
            "I look.",
            Json::array({{{"id", "a"}, {"name", "read"}, {"arguments", Json::object()}}}));
        const RunRecord& record = life->runs->find(message)->record();
        ASSERT_TRUE(life->store->append(*life->runs->find(turn)->session(), record.entry_id,
                                        record.message, SessionStore::Durability::now));
        begin();
    }
    size_t calls() { return life->models.calls.size(); }
    std::string asked() { return message_text(life->models.last().request.messages.back()); }

    const SessionKey session{"main", "agent:main:telegram:dm:555"};
    TemporaryDirectory directory;
    ManualLoop loop;
    Json config = Json::object();
    std::unique_ptr<Life> life;
    std::vector<std::string> ended;
};

constexpr const char* both =
    "[Queued messages while agent was busy]\n\n---\nQueued #1\ntwo\n\n---\nQueued #2\nthree";

}  // namespace

TEST_F(Queueing, WhatWaitedBecomesOneTurnOnceItIsQuiet) {
    say("one");
    say("two");
    loop.advance(500);
    say("three");
    answer();
    EXPECT_EQ(calls(), 1u) << "people may still write";
    loop.advance(999);
    EXPECT_EQ(calls(), 1u);
    loop.advance(1);
    ASSERT_EQ(calls(), 2u);
    EXPECT_EQ(asked(), both);
    EXPECT_THAT(ended, ElementsAre("one ok", "three ok joined"));
    answer();
    EXPECT_EQ(calls(), 2u);
    EXPECT_THAT(ended, ElementsAre("one ok", "three ok joined", "two ok"));
}

TEST_F(Queueing, OneThatWaitedStaysAsItIs) {
    say("one");
    say("two");
    loop.advance(2000);
    answer();
    ASSERT_EQ(calls(), 2u) << "it was quiet long enough";
    EXPECT_EQ(asked(), "two");
}

TEST_F(Queueing, WhatIsForDifferentPlacesIsAnsweredThere) {
    say("one", "chat a");
    say("two", "chat a");
    say("three", "chat b");
    loop.advance(2000);
    answer();
    EXPECT_EQ(asked(), "two");
    answer();
    EXPECT_EQ(asked(), "three");
}

TEST_F(Queueing, WhatWasJoinedIsAskedOnceAfterADeath) {
    say("one");
    say("two");
    say("three");
    loop.advance(2000);
    answer();
    ASSERT_EQ(asked(), both);
    begin();
    ASSERT_EQ(calls(), 1u);
    EXPECT_EQ(asked(), both);
    answer();
    EXPECT_EQ(calls(), 1u);
}

TEST_F(Queueing, WhatWaitedIsGatheredByTheNextProcess) {
    say("one");
    say("two");
    say("three");
    begin();
    EXPECT_EQ(asked(), "one");
    answer();
    ASSERT_EQ(calls(), 2u);
    EXPECT_EQ(asked(), both);
}

TEST_F(Queueing, FollowupsHaveATurnEach) {
    configure({{"mode", "followup"}, {"debounceMs", 0}});
    say("one");
    say("two");
    say("three");
    answer();
    EXPECT_EQ(asked(), "two");
    answer();
    EXPECT_EQ(asked(), "three");
}

TEST_F(Queueing, AnInterruptEndsTheTurnUnderWay) {
    configure({{"mode", "interrupt"}});
    say("one");
    say("two");
    ASSERT_EQ(calls(), 2u);
    EXPECT_TRUE(life->models.calls[0]->cancelled);
    EXPECT_EQ(asked(), "two");
    EXPECT_THAT(ended, ElementsAre("one aborted"));
}

TEST_F(Queueing, TheOldestGoesAndIsToldOfInALine) {
    configure({{"cap", 2}});
    say("one");
    for (const char* text : {"two", "three", "four", "five"}) EXPECT_EQ(say(text), Taken::As::turn);
    EXPECT_THAT(ended, ElementsAre("two ok dropped", "three ok dropped"));
    loop.advance(2000);
    answer();
    EXPECT_THAT(asked(), HasSubstr("[Queue overflow] Dropped 2 messages due to cap.\nSummary:\n"
                                   "- two\n- three\n"));
    EXPECT_THAT(asked(), HasSubstr("Queued #1\nfour\n\n---\nQueued #2\nfive"));
}

TEST_F(Queueing, TheOldestOrTheNewestGoesWithoutAWord) {
    configure({{"cap", 1}, {"drop", "old"}, {"debounceMs", 0}});
    say("one");
    say("two");
    say("three");
    answer();
    EXPECT_EQ(asked(), "three");
    configure({{"cap", 1}, {"drop", "new"}, {"debounceMs", 0}});
    say("four");
    EXPECT_EQ(say("five"), Taken::As::dropped);
}

TEST_F(Queueing, WhatWasWrittenInOneBreathIsOneMessage) {
    config["messages"]["inbound"] = {{"debounceMs", 300}, {"byChannel", {{"telegram", 700}}}};
    begin();
    say("hello");
    loop.advance(600);
    say("are you there?");
    loop.advance(699);
    EXPECT_EQ(calls(), 0u);
    loop.advance(1);
    ASSERT_EQ(calls(), 1u);
    EXPECT_EQ(asked(), "hello\nare you there?");
}

TEST_F(Queueing, AFileIsNotWaitedWith) {
    config["messages"]["inbound"] = {{"debounceMs", 700}};
    begin();
    say("look");
    EXPECT_EQ(calls(), 0u);
    say("this", "chat", true);
    ASSERT_EQ(calls(), 1u);
    EXPECT_EQ(asked(), "look\nthis");
}

TEST_F(Queueing, ALaneThatIsNeverQuietStartsAllTheSame) {
    config["messages"]["inbound"] = {{"debounceMs", 1000}};
    begin();
    for (int i = 0; i < 19 && calls() == 0; ++i) {
        say("word " + std::to_string(i));
        loop.advance(900);
    }
    EXPECT_EQ(calls(), 1u);
}

TEST_F(Queueing, WhatSteersGoesIntoTheTurnUnderWay) {
    configure({{"mode", "steer"}});
    say("one");
    say("two");
    say("three", "elsewhere");
    life->models.last().ask_for(
        "I look.", Json::array({{{"id", "a"}, {"name", "read"}, {"arguments", Json::object()}},
                                {{"id", "b"}, {"name", "read"}, {"arguments", Json::object()}}}));
    ASSERT_EQ(life->tools.calls.size(), 1u);
    life->tools.last().listener->tool_ended(tool_text("found"));
    loop.settle();
    EXPECT_EQ(life->tools.calls.size(), 1u) << "the second tool is skipped";
    EXPECT_THAT(ended, ElementsAre("two ok steered"));
    EXPECT_EQ(calls(), 2u);
    const auto& messages = life->models.last().request.messages;
    ASSERT_EQ(messages.size(), 5u);
    EXPECT_EQ(messages[3].json()["toolCallId"], "b");
    EXPECT_EQ(message_text(messages[3]), "Skipped due to queued user message.");
    EXPECT_EQ(asked(), "two");
    answer();
    loop.advance(2000);
    EXPECT_EQ(asked(), "three");
}

TEST_F(Queueing, WhatSteeredIsNotAskedAgainAfterADeath) {
    configure({{"mode", "steer"}});
    say("one");
    say("two");
    use_a_tool();
    ASSERT_EQ(asked(), "two");
    begin();
    ASSERT_EQ(calls(), 1u);
    EXPECT_EQ(asked(), "two") << "the turn goes on where it was";
    answer();
    loop.advance(2000);
    EXPECT_EQ(calls(), 1u);
}

// Whoever writes meanwhile may be somebody else.
TEST_F(Queueing, NobodySteersATurnThatWasGrantedSomething) {
    config["tools"]["elevated"]["allowFrom"]["telegram"] = {"*"};
    configure({{"mode", "steer"}, {"debounceMs", 0}});
    for (const std::string granted : {"/elevated full", "/exec host=gateway"}) {
        say(granted + " one");
        say("two after " + granted.substr(1));
        EXPECT_EQ(exec_of_a_tool().host, "gateway");
        EXPECT_EQ(asked(), "found") << granted;
        answer();
        EXPECT_THAT(asked(), HasSubstr("two after"));
        EXPECT_EQ(exec_of_a_tool().host, "") << granted;
        answer();
    }
}

TEST_F(Queueing, NobodySteersATurnThatIsToldToNobody) {
    configure({{"mode", "steer"}, {"debounceMs", 0}, {"byChannel", {{"webchat", "steer"}}}});
    RunOrder silent;
    silent.record.method = memory_flush_method;
    silent.record.run_id = "silent";
    silent.record.session = {"main", "agent:main:main"};
    silent.record.message = Json{{"role", "user"}, {"content", "Write it down."}};
    ASSERT_TRUE(life->runs->accept(std::move(silent)));
    loop.settle();
    life->send("main", "are you there?", "r1");
    use_a_tool();
    EXPECT_EQ(asked(), "found");
    answer();
    EXPECT_EQ(asked(), "are you there?");
    answer();
    ASSERT_NE(life->events.last("chat final"), nullptr);
    EXPECT_EQ(life->events.last("chat final")->run_id, "r1");
}

TEST_F(Queueing, WhatSteeredIsNotAskedAgainWhereTheJournalDoesNotSaySo) {
    configure({{"mode", "steer"}});
    say("one");
    say("two");
    die_while_it_steers("two", "one");
    ASSERT_EQ(calls(), 1u);
    EXPECT_EQ(asked(), "two") << "the turn goes on where it was";
    answer();
    loop.advance(2000);
    EXPECT_EQ(calls(), 1u);
    EXPECT_TRUE((*life->store->find_run("channel", "two"))->was_passed_over());
}

TEST_F(Queueing, WhatSteeredATurnThatIsGivenUpHasOneOfItsOwn) {
    configure({{"mode", "steer"}, {"debounceMs", 0}});
    say("one");
    begin();
    say("two");
    die_while_it_steers("two", "one");
    EXPECT_THAT(ended, ElementsAre("one error"));
    ASSERT_EQ(calls(), 1u);
    answer();
    EXPECT_THAT(ended, ElementsAre("one error", "two ok"));
}

TEST_F(Queueing, WhatCannotSteerWaitsForATurnOfItsOwn) {
    configure({{"mode", "steer"}, {"debounceMs", 0}});
    say("one");
    say("two");
    answer();
    EXPECT_EQ(asked(), "two");
}

TEST_F(Queueing, AStopIsNotHeldUpByAMessageThatTheNextProcessAnswers) {
    config["messages"]["inbound"] = {{"debounceMs", 5000}};
    begin();
    say("one");
    life->send(session.key, "two", "r2");
    bool drained = false;
    life->runs->drain(std::chrono::seconds(4), [&] { drained = true; });
    loop.settle();
    EXPECT_TRUE(drained);
    EXPECT_EQ(life->events.labels("r2").back(), "chat error");
    begin();
    ASSERT_EQ(calls(), 1u);
    EXPECT_EQ(asked(), "one");
    answer();
    EXPECT_EQ(calls(), 1u);
    EXPECT_TRUE(life->store->unfinished_runs()->empty());
    EXPECT_EQ(life->history(session.key).size(), 4u) << "in the order they were written";
}

TEST_F(Queueing, AStopIsNotHeldUpByWhatIsBehindATurnThatTheNextProcessTakesUp) {
    say("one");
    life->send(session.key, "two", "r2");
    bool drained = false;
    life->runs->drain(std::chrono::milliseconds(10), [&] { drained = true; });
    loop.advance(9);
    EXPECT_FALSE(drained) << "it may still end";
    loop.advance(1);
    EXPECT_TRUE(drained);
    begin();
    ASSERT_EQ(calls(), 1u);
    EXPECT_EQ(asked(), "one") << "what came after it is written down after it";
    answer();
    EXPECT_TRUE(life->store->unfinished_runs()->empty());
    EXPECT_EQ(life->history(session.key).size(), 4u);
}

TEST_F(Queueing, ThePageGivesEachMessageItsOwnAnswer) {
    life->send("main", "one", "r1");
    life->send("main", "two", "r2");
    life->send("main", "three", "r3");
    answer();
    EXPECT_EQ(asked(), "two");
    EXPECT_EQ(life->ask("chat.send", {{"sessionKey", "main"},
                                      {"message", "/queue collect debounce:0"},
                                      {"idempotencyKey", "r4"}})["status"],
              "started");
    answer();
    EXPECT_EQ(asked(), "three");
    life->send("main", "four", "r5");
    life->send("main", "five", "r6");
    answer();
    EXPECT_THAT(asked(), HasSubstr("Queued #2\nfive"));
    EXPECT_EQ(life->events.count("chat final"), 5u) << "three answers, a command, one joined";
}

TEST(Gathering, KeepsImagesBehindTheText) {
    const Json first = *parse_json(
        R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"image","data":"1"}]})");
    const Json second = *parse_json(R"({"role":"user","content":"b","timestamp":7})");
    const Json both_in_one = gathered_message({&first, &second}, Gather::join, {});
    EXPECT_EQ(both_in_one["content"][0]["text"], "a\nb");
    EXPECT_EQ(both_in_one["content"][1]["data"], "1");
    EXPECT_EQ(both_in_one["timestamp"], 7);
    EXPECT_EQ(gathered_message({&first}, Gather::collect, {}), first);
}

TEST(Gathering, KeepsTheLastLinesOfWhatWasDropped) {
    Dropped dropped;
    for (int i = 0; i < 30; ++i) dropped.add("message " + std::to_string(i) + "\nmore");
    Dropped later;
    later.add("the last");
    dropped.add(later);
    EXPECT_EQ(dropped.count, 31u);
    EXPECT_EQ(dropped.lines.size(), Dropped::most_lines);
    EXPECT_EQ(dropped.lines.back(), "the last");
    EXPECT_EQ(dropped.lines.front(), "message 11 more");
}

}  // namespace agent
