// Long conversations: condensed when asked for, when they grow too long, and when a model says so.

#include "workers/agent/compaction.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Condensing : public testing::Test {
  protected:
    Condensing() { life.models.window = 60'000; }
    // A turn of about so many tokens.
    void turn(const std::string& word, size_t tokens) {
        life.send("main", word + " " + std::string(tokens * 3, 'q'),
                  "r" + std::to_string(++number));
        life.models.last().finish("answer to " + word);
        loop.settle();
    }
    std::string command(const std::string& text) {
        life.send("main", text, "r" + std::to_string(++number));
        const Recorder::Seen* final = life.events.last("chat final");
        return final ? message_text(final->payload["message"]) : "";
    }
    Json entry() { return (*life.store->find(session))->entry; }
    std::vector<std::string> shown() {
        std::vector<std::string> texts;
        const auto messages = life.store->context(**life.store->find(session));
        for (const Message& message : *messages)
            texts.push_back(message_text(message).substr(0, 60));
        return texts;
    }
    // The turn under way is answered, its conversation takes so many tokens.
    void finish(int64_t tokens) {
        call().listener->done(Json{{"role", "assistant"},
                                   {"content", Json::array({{{"type", "text"}, {"text", "ok"}}})},
                                   {"usage", {{"input", tokens}, {"totalTokens", tokens}}},
                                   {"stopReason", "stop"},
                                   {"timestamp", 1}});
        loop.settle();
    }
    FakeModels::Call& call() { return life.models.last(); }
    std::string asked() { return message_text(call().request.messages.back()); }

    const SessionKey session{"main", "agent:main:main"};
    TemporaryDirectory directory;
    ManualLoop loop;
    Life life{directory.path(), loop};
    int number = 0;
};

}  // namespace

TEST_F(Condensing, ACommandPutsASummaryInThePlaceOfTheOlderPart) {
    turn("apples", 9'000);
    turn("pears", 9'000);
    turn("plums", 9'000);
    const size_t lines = life.history("main").size();
    command("/compact what is about fruit");
    EXPECT_THAT(asked(), AllOf(StartsWith("<conversation>\nUser: apples"),
                               HasSubstr("Assistant: answer to pears"), Not(HasSubstr("plums")),
                               HasSubstr("attention to: what is about fruit")));
    call().finish("They spoke of fruit.");
    loop.settle();
    const std::string told = message_text(life.events.last("chat final")->payload["message"]);
    EXPECT_THAT(told, AllOf(StartsWith("⚙️ Compacted (27k → 9"), HasSubstr("/60k (")));
    ASSERT_EQ(shown().size(), 3u);
    EXPECT_THAT(shown()[0], StartsWith("The conversation before this point was condensed"));
    EXPECT_THAT(shown()[1], StartsWith("plums"));
    EXPECT_EQ(entry()["compactionCount"], 1);
    EXPECT_GE(life.history("main").size(), lines) << "nothing is taken away";
    turn("cherries", 10);
    EXPECT_THAT(message_text(call().request.messages[0]), HasSubstr("They spoke of fruit."));
}

TEST_F(Condensing, TheResultOfACallThatIsOpenMeanwhileCounts) {
    for (const char* word : {"apples", "pears", "plums"}) turn(word, 9'000);
    life.send("main", "look", "r-look");
    call().ask_for("",
                   Json::array({{{"id", "a"}, {"name", "read"}, {"arguments", Json::object()}},
                                {{"id", "b"}, {"name", "read"}, {"arguments", Json::object()}}}));
    command("/compact");
    call().finish("They spoke of fruit.");
    loop.settle();
    for (const char* found : {"first", "second"}) {
        life.tools.last().listener->tool_ended(tool_text(found));
        loop.settle();
    }
    const auto before = shown();
    EXPECT_THAT(before, ElementsAre(HasSubstr("condensed"), StartsWith("plums"), "answer to plums",
                                    "look", "", "first", "second"));
    life.store->release_memory();
    EXPECT_EQ(shown(), before) << "what is read is what was remembered";
}

TEST_F(Condensing, AShortConversationIsLeftAsItIs) {
    EXPECT_THAT(command("/compact"), HasSubstr("there is no conversation yet"));
    turn("apples", 10);
    EXPECT_THAT(command("/compact"), HasSubstr("there is nothing to condense"));
    EXPECT_EQ(life.models.calls.size(), 1u);
}

TEST_F(Condensing, NothingChangesWithoutASummary) {
    turn("apples", 12'000);
    turn("pears", 12'000);
    const auto before = shown();
    command("/compact");
    EXPECT_THAT(command("/compact"), HasSubstr("is being condensed already"));
    call().fail("no luck");
    loop.settle();
    EXPECT_THAT(message_text(life.events.last("chat final")->payload["message"]),
                HasSubstr("Compaction failed: the conversation could not be condensed: no luck"));
    EXPECT_EQ(shown(), before);
}

TEST_F(Condensing, ALongOlderPartIsCondensedPieceByPiece) {
    life.models.window = 200'000;
    for (int i = 0; i < 12; ++i) turn("part" + std::to_string(i), 3'500);
    life.models.window = 12'000;
    command("/compact");
    size_t pieces = 1;
    for (; !entry().contains("compactionCount") && pieces < 50; ++pieces) {
        if (pieces > 1) {
            EXPECT_THAT(asked(), HasSubstr("<summary>\nso far"));
        }
        call().finish("so far");
        loop.settle();
    }
    EXPECT_GT(pieces, 2u);
    EXPECT_EQ(entry()["compactionCount"], 1);
}

TEST_F(Condensing, AConversationThatGrewTooLongIsCondensedBeforeTheTurn) {
    turn("apples", 13'000);
    turn("pears", 13'000);
    life.send("main", "plums " + std::string(45'000, 'q'), "long");
    EXPECT_THAT(asked(), HasSubstr("Condense this conversation."));
    EXPECT_EQ(life.events.count("agent compaction start"), 1u);
    call().finish("They spoke of fruit.");
    loop.settle();
    EXPECT_THAT(asked(), StartsWith("plums"));
    EXPECT_THAT(message_text(call().request.messages[0]), HasSubstr("They spoke of fruit."));
    call().finish("good");
    loop.settle();
    EXPECT_EQ(message_text(life.events.last("chat final")->payload["message"]), "good");
}

TEST_F(Condensing, AModelThatFindsItTooLongIsAskedOnceMore) {
    turn("apples", 12'000);
    turn("pears", 12'000);
    life.send("main", "plums", "again");
    const auto too_long = [&] {
        call().listener->failed({ModelFailure::Reason::context_overflow, 400, "too long", {}});
        loop.settle();
    };
    too_long();
    EXPECT_THAT(asked(), HasSubstr("Condense this conversation."));
    call().finish("They spoke of fruit.");
    loop.settle();
    EXPECT_EQ(asked(), "plums");
    const std::string former = text_member(entry(), "sessionId");
    too_long();
    EXPECT_THAT(text_member(life.events.last("chat error")->payload, "errorMessage"),
                HasSubstr("I've reset our conversation"));
    EXPECT_NE(text_member(entry(), "sessionId"), former);
}

// The estimate was too low: once more, and then nothing else helps.
TEST_F(Condensing, AModelThatFindsItTooLongAllTheSameGetsAFreshConversation) {
    turn("apples", 13'000);
    turn("pears", 13'000);
    life.send("main", "plums " + std::string(45'000, 'q'), "long");
    ASSERT_THAT(asked(), HasSubstr("Condense this conversation."));
    call().finish("They spoke of fruit.");
    loop.settle();
    ASSERT_THAT(asked(), StartsWith("plums"));
    const std::string former = text_member(entry(), "sessionId");
    for (int rounds = 0; rounds < 3 && !life.events.last("chat error"); ++rounds) {
        if (asked().find("Condense this conversation.") != std::string::npos)
            call().finish("They spoke of fruit and of more.");
        else
            call().listener->failed({ModelFailure::Reason::context_overflow, 400, "too long", {}});
        loop.settle();
    }
    ASSERT_TRUE(life.events.last("chat error"));
    EXPECT_THAT(text_member(life.events.last("chat error")->payload, "errorMessage"),
                HasSubstr("I've reset our conversation"));
    EXPECT_NE(text_member(entry(), "sessionId"), former);
}

TEST_F(Condensing, AMessageThatIsTooLongByItselfIsRefused) {
    life.send("main", "plums", "huge");
    call().listener->failed({ModelFailure::Reason::context_overflow, 400, "too long", {}});
    loop.settle();
    EXPECT_THAT(text_member(life.events.last("chat error")->payload, "errorMessage"),
                HasSubstr("Context overflow"));
}

TEST_F(Condensing, AnAbortEndsItToo) {
    turn("apples", 13'000);
    turn("pears", 13'000);
    life.send("main", "plums " + std::string(45'000, 'q'), "long");
    ASSERT_THAT(asked(), HasSubstr("Condense this conversation."));
    life.send("main", "/stop", "s");
    EXPECT_TRUE(call().cancelled);
    EXPECT_FALSE(life.runs->is_busy(session));
    EXPECT_FALSE(entry().contains("compactionCount"));
}

TEST_F(Condensing, ACompactionOutlivesARestart) {
    turn("apples", 12'000);
    turn("pears", 12'000);
    command("/compact");
    call().finish("They spoke of fruit.");
    loop.settle();
    ManualLoop other;
    Life next(directory.path(), other);
    const auto context = next.store->context(**next.store->find(session));
    ASSERT_TRUE(context);
    EXPECT_EQ(context->size(), 3u);
}

TEST_F(Condensing, WhatShouldBeRememberedIsWrittenDownBefore) {
    life.tools.offered = Json::array({{{"name", "write"}}});
    life.send("main", "apples", "r-a");
    finish(35'000);
    EXPECT_EQ(life.models.calls.size(), 1u) << "there is room";
    life.send("main", "pears", "r-b");
    finish(37'000);
    ASSERT_EQ(life.models.calls.size(), 3u);
    EXPECT_THAT(asked(), HasSubstr("will be condensed soon"));
    const size_t told = life.events.seen.size();
    call().ask_for("",
                   Json::array({{{"id", "w"}, {"name", "write"}, {"arguments", Json::object()}}}));
    life.tools.last().listener->tool_ended(tool_text("Wrote it."));
    finish(37'500);
    EXPECT_EQ(life.events.seen.size(), told) << "nobody is told of it";
    EXPECT_EQ(entry()["memoryFlushCompactionCount"], 0);
    life.send("main", "plums", "r-c");
    finish(38'000);
    EXPECT_EQ(life.models.calls.size(), 5u) << "once for each compaction";
}

TEST_F(Condensing, TheWindowOfTheSessionsOwnModelSaysWhenToWriteDown) {
    life.tools.offered = Json::array({{{"name", "write"}}});
    life.models.window = 200'000;
    life.models.windows["fake/three"] = 60'000;
    EXPECT_EQ(command("/model fake/three"), "Model set to fake/three.");
    life.send("main", "apples", "r-a");
    finish(37'000);
    ASSERT_EQ(life.models.calls.size(), 2u);
    EXPECT_THAT(asked(), HasSubstr("will be condensed soon"));
    EXPECT_EQ(call().request.candidates.front().model, "fake/three");
}

TEST(Compaction, WritesAConversationAsText) {
    std::vector<Message> messages;
    messages.emplace_back(*parse_json(R"({"role":"user","content":"find it"})"));
    messages.emplace_back(
        *parse_json(R"({"role":"assistant","content":[{"type":"text","text":"I look."},
        {"type":"toolCall","id":"1","name":"exec","arguments":{"command":"ls"}}]})"));
    messages.emplace_back(Json{{"role", "toolResult"}, {"content", std::string(3000, 'x')}});
    const std::string text = conversation_text(messages);
    EXPECT_THAT(text, StartsWith("User: find it\n\nAssistant: I look.\n[calls exec "
                                 "{\"command\":\"ls\"}]\n\nResult: xxx"));
    EXPECT_LT(text.size(), 2'200u);
    EXPECT_EQ(compacted_text({142'000, 18'000, 200'000}),
              "⚙️ Compacted (142k → 18k) • Context 18k/200k (9%)");
}

}  // namespace agent
