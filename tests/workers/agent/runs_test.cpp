#include "workers/agent/runs.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ChatRuns : public testing::Test {
  protected:
    std::vector<Json> transcript(const std::string& key = "agent:main:main") {
        const auto session = life.store->find({"main", key});
        return json_lines(
            read_text(directory / "agents/main/sessions/" + (*session)->id() + ".jsonl"));
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    Life life{directory.path(), loop};
};

std::vector<std::string> states_and_reasons(const Json& messages) {
    std::vector<std::string> all;
    for (const Json& message : messages)
        all.push_back(text_member(message, "role") + " " + text_member(message, "stopReason") +
                      (message_text(message).empty() ? "" : " " + message_text(message)));
    return all;
}

}  // namespace

TEST(ModelCalls, AreCountedWithTheirFailuresAndTheirCost) {
    TemporaryDirectory directory;
    ManualLoop loop;
    Life life(directory.path(), loop);
    std::map<Counter, int64_t> counted;
    const auto now = [&] { return loop.now_ms; };
    Runs runs({loop, *life.store, life.models, life.events, life.config, life.system_events, now,
               now, [&](Counter counter, int64_t amount) { counted[counter] += amount; }});
    RunOrder order;
    order.record.method = "chat";
    order.record.run_id = "r1";
    order.record.session = {"main", "agent:main:main"};
    order.record.message = {{"role", "user"}, {"content", "hello"}, {"timestamp", loop.now_ms}};
    ASSERT_TRUE(runs.accept(order));
    loop.settle();
    life.models.last().listener->restarted({ModelFailure::Reason::provider, 529, "overloaded", {}},
                                           {"fake", "two"});
    life.models.last().finish("Hi");
    loop.settle();
    EXPECT_EQ(counted[Counter::model_calls], 2);
    EXPECT_EQ(counted[Counter::model_failures], 1);
    EXPECT_EQ(counted[Counter::model_cost_microdollars], 2'500'000) << "5 tokens for 0.5 each";

    order.record.run_id = "r2";
    ASSERT_TRUE(runs.accept(order));
    loop.settle();
    life.models.last().fail("HTTP 500");
    loop.settle();
    EXPECT_EQ(counted[Counter::model_failures], 2);
    EXPECT_EQ(counted[Counter::turns_failed], 1);
    EXPECT_EQ(counted[Counter::model_cost_microdollars], 2'500'000) << "a failure costs nothing";
}

TEST_F(ChatRuns, AnswerInTheOrderClientsExpect) {
    EXPECT_EQ(life.send("main", "hello", "r1"), (Json{{"runId", "r1"}, {"status", "started"}}));
    life.models.last().say("Hi");
    loop.settle();
    life.models.last().say(" there");
    loop.advance(Run::text_every_ms);
    life.models.last().finish("Hi there\n");
    EXPECT_THAT(
        life.events.labels(),
        ElementsAre("agent lifecycle start", "agent assistant", "chat delta", "agent assistant",
                    "agent assistant", "agent lifecycle end", "chat final"));
    loop.settle();
    EXPECT_THAT(life.events.ended, ElementsAre("r1"));

    const Json& delta = life.events.seen[2].payload;
    EXPECT_EQ(delta["runId"], "r1");
    EXPECT_EQ(delta["sessionKey"], "main") << "the spelling of the request";
    EXPECT_EQ(delta["seq"], 2);
    EXPECT_EQ(delta["message"]["content"][0]["text"], "Hi");
    EXPECT_TRUE(life.events.seen[2].drop_if_slow);
    const Json& assistant = life.events.seen[3].payload;
    EXPECT_EQ(assistant["data"]["text"], "Hi there");
    EXPECT_EQ(assistant["data"]["delta"], " there");
    const Recorder::Seen& final = life.events.seen.back();
    EXPECT_EQ(final.payload["message"]["content"][0]["text"], "Hi there") << "trimmed";
    EXPECT_EQ(final.payload["message"]["role"], "assistant");
    EXPECT_EQ(final.payload["seq"], 5);
    EXPECT_EQ(final.sequence, 5u);
    EXPECT_EQ(final.session_key, "main");
}

TEST_F(ChatRuns, WriteTheTurnAndTheUsage) {
    life.send("main", "hello", "r1");
    life.models.last().finish("Hi");
    loop.settle();
    const auto lines = transcript();
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0]["type"], "session");
    EXPECT_EQ(lines[1]["message"]["role"], "user");
    EXPECT_TRUE(lines[1]["parentId"].is_null());
    EXPECT_EQ(lines[2]["parentId"], lines[1]["id"]);
    EXPECT_EQ(lines[2]["message"]["usage"]["totalTokens"], 18);
    const Json entry = (*life.store->find({"main", "agent:main:main"}))->entry;
    EXPECT_EQ(entry["inputTokens"], 10);
    EXPECT_EQ(entry["outputTokens"], 5);
    EXPECT_EQ(entry["totalTokens"], 18);
    EXPECT_EQ(entry["modelProvider"], "fake");
    EXPECT_EQ(entry["model"], "one");
    EXPECT_EQ(entry["updatedAt"], loop.now_ms);
    EXPECT_EQ(entry["abortedLastRun"], false);
}

TEST_F(ChatRuns, GiveTheModelTheConversationSoFar) {
    life.send("main", "one", "r1");
    life.models.last().finish("1");
    loop.settle();
    life.send("agent:main:MAIN", "two", "r2");
    const ModelRequest& request = life.models.last().request;
    ASSERT_EQ(request.messages.size(), 3u);
    EXPECT_EQ(message_text(request.messages[0]), "one");
    EXPECT_EQ(message_text(request.messages[1]), "1");
    EXPECT_EQ(message_text(request.messages[2]), "two");
    EXPECT_EQ(request.candidates.size(), 2u);
    EXPECT_EQ(request.timeout, std::chrono::seconds(601));
    EXPECT_FALSE(request.system.empty());
}

TEST_F(ChatRuns, SendAtMostOneDeltaIn150Milliseconds) {
    life.send("main", "go", "r1");
    for (int i = 0; i < 100; ++i) {
        life.models.last().say("x");
        loop.advance(10);  // one second in all
    }
    EXPECT_EQ(life.events.count("agent assistant"), 100u);
    EXPECT_EQ(life.events.count("chat delta"), 7u);
    life.models.last().finish(std::string(100, 'x'));
    loop.advance(1000);
    EXPECT_EQ(life.events.count("chat delta"), 7u) << "none after the final";
    EXPECT_EQ(life.events.count("chat final"), 1u);
}

TEST_F(ChatRuns, ShowWhatCameBeforeAPauseInThePause) {
    life.send("main", "go", "r1");
    life.models.last().say("a");
    loop.advance(10);
    life.models.last().say("b");
    loop.advance(139);
    EXPECT_EQ(life.events.count("chat delta"), 1u);
    loop.advance(1);
    ASSERT_EQ(life.events.count("chat delta"), 2u);
    EXPECT_EQ(life.events.last("chat delta")->payload["message"]["content"][0]["text"], "ab");
}

TEST_F(ChatRuns, MergeWhatArrivesTogether) {
    life.send("main", "go", "r1");
    for (int i = 0; i < 50; ++i) life.models.last().say("x");
    loop.settle();
    EXPECT_EQ(life.events.count("agent assistant"), 1u);
    for (int i = 0; i < 50; ++i) {
        life.models.last().say("y");
        loop.settle();
    }
    loop.advance(Run::text_every_ms);
    EXPECT_EQ(life.events.count("agent assistant"), 2u);
    EXPECT_EQ(text_member(member(life.events.last("agent assistant")->payload, "data"), "delta"),
              std::string(50, 'y'));
}

TEST_F(ChatRuns, RepeatALongTextLessOftenAndToSlowClientsNotAtAll) {
    life.send("main", "go", "r1");
    life.models.last().say(std::string(10 * Run::text_step_bytes, 'x'));
    loop.settle();
    ASSERT_EQ(life.events.count("agent assistant"), 1u);
    EXPECT_TRUE(life.events.last("agent assistant")->drop_if_slow);
    life.models.last().say("y");
    loop.advance(10 * Run::text_every_ms);
    EXPECT_EQ(life.events.count("agent assistant"), 1u);
    loop.advance(Run::text_every_ms);
    EXPECT_EQ(life.events.count("agent assistant"), 2u);
}

TEST_F(ChatRuns, EndAModelThatDoesNotStopWriting) {
    life.send("main", "go", "r1");
    const std::string piece(200'000, 'x');
    for (int i = 0; i < 6 && life.events.count("chat error") == 0; ++i)
        life.models.last().say(piece);
    loop.settle();
    ASSERT_EQ(life.events.count("chat error"), 1u);
    EXPECT_THAT(text_member(life.events.last("chat error")->payload, "errorMessage"),
                HasSubstr("did not stop writing"));
    EXPECT_THAT(life.events.ended, ElementsAre("r1"));
}

TEST_F(ChatRuns, BeginTheTextAnewWhenTheNextModelTakesOver) {
    life.send("main", "go", "r1");
    life.models.last().say("wrong start");
    loop.settle();
    life.models.last().listener->restarted({ModelFailure::Reason::provider, 529, "overloaded", {}},
                                           {"fake", "two"});
    life.models.last().say("right");
    loop.settle();
    EXPECT_EQ(life.events.last("agent assistant")->payload["data"]["text"], "right");
    EXPECT_EQ(life.events.count("chat final"), 0u);
    life.models.last().finish("right");
    loop.settle();
    EXPECT_EQ(life.events.last("chat final")->payload["message"]["content"][0]["text"], "right");
    EXPECT_EQ(life.events.count("chat error"), 0u);
}

TEST_F(ChatRuns, EndWithAnErrorWhenEveryModelFailed) {
    life.send("main", "go", "r1");
    life.models.last().fail("All models failed (2): fake/one: HTTP 500 | fake/two: HTTP 500");
    loop.settle();
    EXPECT_THAT(life.events.labels(),
                ElementsAre("agent lifecycle start", "agent lifecycle error", "chat error"));
    EXPECT_THAT(text_member(life.events.last("chat error")->payload, "errorMessage"),
                HasSubstr("All models failed"));
    EXPECT_THAT(states_and_reasons(life.history("main")),
                ElementsAre("user  go", "assistant error"));
    EXPECT_THAT(text_member(life.history("main")[1], "errorMessage"), HasSubstr("HTTP 500"));
    // The next turn is not spoilt by it.
    life.send("main", "again", "r2");
    ASSERT_EQ(life.models.last().request.messages.size(), 2u);
    EXPECT_EQ(message_text(life.models.last().request.messages[0]), "go");
}

TEST_F(ChatRuns, WithoutTextEndWithAFinalWithoutMessage) {
    life.send("main", "go", "r1");
    life.models.last().finish("  \n");
    EXPECT_FALSE(life.events.last("chat final")->payload.contains("message"));
}

TEST_F(ChatRuns, AbortKeepsTheMessageAndWhatWasSaid) {
    life.send("main", "go", "r1");
    life.models.last().say("half an ans");
    loop.settle();
    const Json answer = life.ask("chat.abort", {{"sessionKey", "MAIN"}});
    loop.settle();
    EXPECT_EQ(answer, (Json{{"ok", true}, {"aborted", true}, {"runIds", {"r1"}}}));
    EXPECT_TRUE(life.models.last().cancelled);
    EXPECT_EQ(life.events.last("chat aborted")->payload["stopReason"], "rpc");
    EXPECT_FALSE(life.events.last("chat aborted")->payload.contains("message"));
    EXPECT_EQ(life.events.count("chat final"), 0u);
    EXPECT_THAT(states_and_reasons(life.history("main")),
                ElementsAre("user  go", "assistant aborted half an ans"));
    EXPECT_TRUE(
        bool_member((*life.store->find({"main", "agent:main:main"}))->entry, "abortedLastRun"));
}

TEST_F(ChatRuns, AbortByRunIdOnlyWithinTheSession) {
    life.send("main", "go", "r1");
    EXPECT_EQ(life.ask("chat.abort", {{"sessionKey", "other"}, {"runId", "r1"}})["code"],
              "INVALID_REQUEST");
    EXPECT_EQ(life.ask("chat.abort", {{"sessionKey", "main"}, {"runId", "nope"}})["aborted"],
              false);
    EXPECT_EQ(life.ask("chat.abort", {{"sessionKey", "main"}, {"runId", "r1"}})["runIds"],
              Json::array({"r1"}));
}

TEST_F(ChatRuns, AStopWordAbortsInsteadOfBeingSent) {
    life.send("main", "go", "r1");
    const Json answer = life.send("main", " STOP ", "r2");
    EXPECT_EQ(answer["runIds"], Json::array({"r1"}));
    EXPECT_EQ(life.events.last("chat aborted")->payload["stopReason"], "stop");
    EXPECT_EQ(life.send("main", "/stop", "r3")["aborted"], false);
}

TEST_F(ChatRuns, EndAtTheirTimeLimit) {
    life.ask(
        "chat.send",
        {{"sessionKey", "main"}, {"message", "go"}, {"idempotencyKey", "r1"}, {"timeoutMs", 5000}});
    loop.advance(4999);
    EXPECT_EQ(life.events.count("chat aborted"), 0u);
    loop.advance(1);
    EXPECT_EQ(life.events.last("chat aborted")->payload["stopReason"], "timeout");
    EXPECT_TRUE(life.models.last().cancelled);
    life.send("main", "default", "r2");
    loop.advance(599'999);
    EXPECT_EQ(life.events.count("chat aborted"), 1u);
    loop.advance(1);
    EXPECT_EQ(life.events.count("chat aborted"), 2u);
}

TEST_F(ChatRuns, RunOneAfterTheOtherInASessionUnderTheirOwnIds) {
    EXPECT_EQ(life.send("main", "one", "r1")["status"], "started");
    EXPECT_EQ(life.send("agent:main:main", "two", "r2")["status"], "started");
    EXPECT_EQ(life.models.calls.size(), 1u);
    life.models.last().finish("1");
    loop.settle();
    ASSERT_EQ(life.models.calls.size(), 2u);
    EXPECT_EQ(life.models.last().request.messages.size(), 3u);
    life.models.last().finish("2");
    loop.settle();
    EXPECT_THAT(life.events.labels("r2"), ElementsAre("agent lifecycle start", "agent assistant",
                                                      "agent lifecycle end", "chat final"));
    EXPECT_EQ(life.events.last("chat final")->payload["sessionKey"], "agent:main:main");
    EXPECT_THAT(states_and_reasons(life.history("main")),
                ElementsAre("user  one", "assistant stop 1", "user  two", "assistant stop 2"));
}

TEST_F(ChatRuns, AWaitingRunThatIsAbortedIsToldAtOnceAndWrittenDownInItsTurn) {
    life.send("main", "one", "r1");
    life.send("main", "two", "r2");
    EXPECT_EQ(life.ask("chat.abort", {{"sessionKey", "main"}, {"runId", "r2"}})["aborted"], true);
    EXPECT_THAT(life.events.labels("r2"), ElementsAre("agent lifecycle end", "chat aborted"));
    life.models.last().finish("1");
    loop.settle();
    EXPECT_EQ(life.models.calls.size(), 1u);
    EXPECT_THAT(life.events.labels("r2"), ElementsAre("agent lifecycle end", "chat aborted"));
    EXPECT_THAT(states_and_reasons(life.history("main")),
                ElementsAre("user  one", "assistant stop 1", "user  two", "assistant aborted"));
}

TEST(MaxConcurrent, LimitsRunsOfDifferentSessions) {
    const TemporaryDirectory directory;
    ManualLoop loop;
    Life life(directory.path(), loop, {{"agents", {{"defaults", {{"maxConcurrent", 2}}}}}});
    for (const char* key : {"a", "b", "c"}) life.send(key, "hi", std::string("run-") + key);
    EXPECT_EQ(life.models.calls.size(), 2u);
    EXPECT_EQ(life.runs->waiting(), 1u);
    life.models.calls[1]->finish("done");
    loop.settle();
    EXPECT_EQ(life.models.calls.size(), 3u);
}

TEST_F(ChatRuns, DuplicatesAreAnsweredAndNotRun) {
    life.send("main", "go", "r1");
    EXPECT_EQ(life.send("main", "go", "r1")["status"], "in_flight");
    life.models.last().finish("ok");
    loop.settle();
    EXPECT_EQ(life.send("main", "go", "r1"), (Json{{"runId", "r1"}, {"status", "ok"}}));
    life.send("main", "bad", "r2");
    life.models.last().fail("no luck");
    loop.settle();
    const auto answers = life.call(
        "chat.send", {{"sessionKey", "main"}, {"message", "bad"}, {"idempotencyKey", "r2"}});
    ASSERT_EQ(answers->size(), 1u);
    EXPECT_FALSE(answers->front().ok);
    EXPECT_EQ(answers->front().error_message, "no luck");
    EXPECT_EQ(Json::parse(answers->front().payload_json)["status"], "error");
    EXPECT_EQ(life.models.calls.size(), 2u);
    // After five minutes the key is free again.
    loop.advance(300'001);
    EXPECT_EQ(life.send("main", "go", "r1")["status"], "started");
}

TEST_F(ChatRuns, DuplicatesAreKnownToTheNextProcess) {
    life.send("main", "go", "r1");
    life.models.last().finish("ok");
    loop.settle();
    Life next(directory.path(), loop);
    EXPECT_EQ(next.send("main", "go", "r1"), (Json{{"runId", "r1"}, {"status", "ok"}}));
}

TEST_F(ChatRuns, RefuseMoreThanASuccessorCouldTakeUp) {
    const std::string large(1u << 20, 'x');
    size_t accepted = 0;
    Json answer;
    for (size_t i = 0; i < 20; ++i) {
        answer = life.send("main", large, "r" + std::to_string(i));
        if (text_member(answer, "status") == "started") ++accepted;
    }
    EXPECT_LE(accepted * large.size(), Runs::most_held_bytes);
    EXPECT_GE((accepted + 2) * large.size(), Runs::most_held_bytes);
    EXPECT_EQ(answer["code"], "UNAVAILABLE") << print_json(answer);
    life.models.last().finish("one is done");
    loop.settle();
    EXPECT_EQ(life.send("main", "small", "later")["status"], "started");
}

TEST_F(ChatRuns, DrainingLetsRunsFinishThenEndsThemWithAnError) {
    life.send("main", "one", "r1");
    life.send("other", "two", "r2");
    life.send("main", "waits", "r3");
    bool drained = false;
    life.runs->drain(std::chrono::milliseconds(4000), [&] { drained = true; });
    EXPECT_EQ(life.send("main", "late", "r4")["code"], "UNAVAILABLE");
    life.models.calls[1]->finish("in time");
    loop.advance(3999);
    EXPECT_FALSE(drained);
    EXPECT_EQ(life.events.labels("r2").back(), "chat final");
    life.models.calls[0]->say("cut");
    loop.advance(1);
    EXPECT_TRUE(drained);
    EXPECT_EQ(life.events.labels("r1").back(), "chat error");
    EXPECT_EQ(life.events.labels("r3").back(), "chat error");
    EXPECT_THAT(states_and_reasons(life.history("main")),
                ElementsAre("user  one", "assistant error cut", "user  waits", "assistant error"));
}

TEST_F(ChatRuns, ADiskThatIsFullForTheAnswerIsToldAsAnError) {
    life.send("main", "go", "r1");
    const auto session = life.store->find({"main", "agent:main:main"});
    const std::string file = directory / "agents/main/sessions/" + (*session)->id() + ".jsonl";
    const std::string before = read_text(file);
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);  // whatever is written there fails
    life.models.last().finish("lost?");
    loop.settle();
    EXPECT_EQ(life.events.labels("r1").back(), "chat error");
    EXPECT_THAT(text_member(life.events.last("chat error")->payload, "errorMessage"),
                HasSubstr("could not be stored"));
}

TEST_F(ChatRuns, ASessionStartsAnewEachDayAndKeepsItsLevels) {
    life.send("main", "one", "r1");
    life.models.last().finish("1");
    loop.settle();
    Session session = **life.store->find({"main", "agent:main:main"});
    const std::string old_id = session.id();
    session.entry["thinkingLevel"] = "high";
    ASSERT_TRUE(life.store->save(session));
    loop.advance(25 * 3600 * 1000);
    life.send("main", "two", "r2");
    const Session fresh = **life.store->find({"main", "agent:main:main"});
    EXPECT_NE(fresh.id(), old_id);
    EXPECT_EQ(fresh.entry["thinkingLevel"], "high");
    EXPECT_EQ(life.models.last().request.messages.size(), 1u);
    EXPECT_EQ(life.models.last().request.thinking, "high");
    EXPECT_TRUE(std::filesystem::exists(directory / "agents/main/sessions/" + old_id + ".jsonl"));
}

TEST_F(ChatRuns, NewStartsAFreshSessionWithTheRestAsItsFirstMessage) {
    life.send("main", "one", "r1");
    life.models.last().finish("1");
    loop.settle();
    const std::string old_id = (*life.store->find({"main", "agent:main:main"}))->id();
    life.send("main", "/new", "r2");
    const Recorder::Seen* final = life.events.last("chat final");
    EXPECT_EQ(final->run_id, "r2");
    EXPECT_EQ(final->payload["seq"], 1);
    EXPECT_EQ(final->payload["message"]["stopReason"], "injected");
    EXPECT_THAT(message_text(final->payload["message"]),
                HasSubstr("New session started · model: fake/one"));
    EXPECT_NE((*life.store->find({"main", "agent:main:main"}))->id(), old_id);
    EXPECT_EQ(life.history("main").size(), 1u);
    life.send("main", "/RESET and go on", "r3");
    ASSERT_EQ(life.models.last().request.messages.size(), 1u);
    EXPECT_EQ(message_text(life.models.last().request.messages[0]), "and go on");
}

TEST_F(ChatRuns, StatusAndHelpAreAnsweredWithoutAModelAlsoWhileBusy) {
    life.send("main", "one", "r1");
    EXPECT_EQ(life.send("main", "/status", "r2")["status"], "started");
    EXPECT_THAT(message_text(life.events.last("chat final")->payload["message"]),
                testing::AllOf(HasSubstr("fake/one"), HasSubstr("1 running")));
    EXPECT_EQ(life.events.last("chat final")->payload["seq"], 1);
    life.send("main", "/help", "r3");
    EXPECT_THAT(message_text(life.events.last("chat final")->payload["message"]),
                HasSubstr("/status"));
    EXPECT_EQ(life.send("main", "/help", "r3")["status"], "ok") << "a duplicate";
    EXPECT_EQ(life.models.calls.size(), 1u);
}

}  // namespace agent
