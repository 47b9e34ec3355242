// Answers that are sent in blocks while they grow.

#include "workers/agent/channels/block_streams.h"

#include <gmock/gmock.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/workers/agent/channels/channel_process.h"

namespace agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string part_one = "The first part.";
const std::string part_two = "The second part.";
const std::string part_three = "The third part.";
const std::string two_parts = part_one + "\n\n" + part_two + "\n\n";
const std::string three_parts = two_parts + part_three;

// A block for each paragraph.
Json in_blocks(const std::string& more = "{}") {
    Json config = *parse_json(R"({"agents": {"defaults": {
        "blockStreamingDefault": "on",
        "blockStreamingChunk": {"minChars": 10, "maxChars": 20},
        "blockStreamingCoalesce": {"minChars": 1, "maxChars": 20, "idleMs": 100}}}})");
    config.merge_patch(*parse_json(more));
    return config;
}

class AnswersInBlocks : public ChannelMessages {
  protected:
    // All that the model has written so far comes in one piece after the other.
    void says(const std::string& text, int64_t pause = 200) {
        process->life.models.last().say(text);
        loop.advance(pause);
    }
    // Every message arrives.
    void arrive() {
        for (size_t at = 0; at < process->delivered().size(); ++at)
            process->report(process->delivered()[at].delivery_id(), DeliveryReport::SENT);
    }
    ChannelProcess& begin(const Json& config) {
        ChannelProcess& agent = start(config);
        agent.come_up();
        agent.offer("1", "hello");
        return agent;
    }
};

TEST_F(AnswersInBlocks, ComeWhileTheModelWrites) {
    ChannelProcess& agent = begin(in_blocks());
    says(part_one + "\n");
    EXPECT_THAT(agent.texts(), IsEmpty()) << "the paragraph may go on";
    says("\nThe sec");
    EXPECT_THAT(agent.texts(), ElementsAre(part_one));
    EXPECT_EQ(agent.delivered()[0].reply_to_id(), "1");
    arrive();
    says("ond part.\n\nThe third");
    arrive();
    EXPECT_THAT(agent.texts(), ElementsAre(part_one, part_two));
    EXPECT_EQ(agent.delivered()[1].reply_to_id(), "") << "only the first one quotes";
    agent.answer(three_parts);
    arrive();
    EXPECT_THAT(agent.texts(), ElementsAre(part_one, part_two, part_three));
    EXPECT_TRUE(agent.life.store->channels().open_inbound()->empty());
    EXPECT_TRUE(agent.life.store->channels().open_outbound()->empty());
    for (const auto& message : agent.told) EXPECT_FALSE(message.has_draft());
}

TEST_F(AnswersInBlocks, AreWholeWhereThatIsNotWanted) {
    ChannelProcess* agent = &begin(Json::object());
    says(two_parts + "The");
    agent->answer(three_parts);
    EXPECT_THAT(agent->texts(), ElementsAre(three_parts));
    arrive();
    agent = &start(in_blocks(R"({"channels": {"telegram": {"blockStreaming": false}}})"));
    agent->come_up();
    agent->offer("2", "hello");
    says(two_parts + "The");
    EXPECT_THAT(agent->texts(), IsEmpty());
    agent->answer(three_parts);
    EXPECT_THAT(agent->texts(), ElementsAre(three_parts));
}

TEST_F(AnswersInBlocks, AreWantedByTheChannelAlone) {
    ChannelProcess& agent =
        begin(in_blocks(R"({"agents": {"defaults": {"blockStreamingDefault": "off"}},
                      "channels": {"telegram": {"blockStreaming": true}}})"));
    says(part_one + "\n\nThe sec");
    EXPECT_THAT(agent.texts(), ElementsAre(part_one));
}

TEST_F(AnswersInBlocks, WaitForTheEndOfTheMessageWhereTheyAreTo) {
    ChannelProcess& agent =
        begin(in_blocks(R"({"agents": {"defaults": {"blockStreamingBreak": "message_end"}}})"));
    says(two_parts + "The");
    EXPECT_THAT(agent.texts(), IsEmpty());
    agent.answer(three_parts);
    arrive();
    EXPECT_THAT(agent.texts(), ElementsAre(part_one, part_two, part_three));
}

TEST_F(AnswersInBlocks, GoTogetherWhenTheyFollowClosely) {
    ChannelProcess& agent = begin(in_blocks(
        R"({"agents": {"defaults": {"blockStreamingCoalesce": {"maxChars": 40, "idleMs": 500}}}})"));
    says(part_one + "\n\nThe", 200);
    says(" second part.\n\nThe", 200);
    EXPECT_THAT(agent.texts(), IsEmpty());
    loop.advance(500);
    EXPECT_THAT(agent.texts(), ElementsAre(part_one + "\n\n" + part_two));
}

TEST_F(AnswersInBlocks, PauseAsAPersonWould) {
    ChannelProcess& agent = begin(in_blocks(
        R"({"agents": {"defaults": {"humanDelay": {"mode": "custom", "minMs": 3000, "maxMs": 3000}}}})"));
    says(two_parts + "The");
    agent.answer(three_parts);
    EXPECT_THAT(agent.texts(), ElementsAre(part_one)) << "the first one does not wait";
    arrive();
    EXPECT_EQ(agent.texts().size(), 1u);
    loop.advance(3'100);
    EXPECT_THAT(agent.texts(), ElementsAre(part_one, part_two));
    arrive();
    loop.advance(3'100);
    EXPECT_THAT(agent.texts(), ElementsAre(part_one, part_two, part_three));
}

// The process ends after each step; what is in the outbox goes out once.
TEST_F(AnswersInBlocks, AreNeitherLostNorSentTwiceWhenTheProcessEnds) {
    ChannelProcess* agent = &begin(in_blocks());
    says(two_parts + "The");
    arrive();
    EXPECT_THAT(agent->texts(), ElementsAre(part_one, part_two));
    agent = &start(in_blocks());
    agent->come_up();
    ASSERT_EQ(agent->life.models.calls.size(), 1u) << "begun again";
    says(part_one + "\n\nThe sec");
    EXPECT_THAT(agent->texts(), IsEmpty()) << "not known yet whether it goes on as before";
    says("ond part.\n\nThe third");
    EXPECT_THAT(agent->texts(), IsEmpty());
    agent->answer(three_parts);
    EXPECT_THAT(agent->texts(), ElementsAre(part_three));
    EXPECT_EQ(agent->delivered()[0].reply_to_id(), "");
    agent = &start(in_blocks());
    agent->come_up();
    EXPECT_THAT(agent->texts(), ElementsAre(part_three)) << "the same, not reported yet";
    EXPECT_TRUE(agent->life.models.calls.empty());
}

TEST_F(AnswersInBlocks, ThatWaitGoOutInOrderWithWhatALaterProcessAdds) {
    ChannelProcess* agent = &start(in_blocks());
    agent->offer("1", "hello");  // the channel is not there
    says(two_parts + "The");
    agent = &start(in_blocks());
    agent->answer(three_parts);
    agent->come_up();
    arrive();
    EXPECT_THAT(agent->texts(), ElementsAre(part_one, part_two, part_three));
}

TEST_F(AnswersInBlocks, AreSentFromWhereTheyDifferWhenTheModelSaysSomethingElse) {
    ChannelProcess* agent = &begin(in_blocks());
    says(two_parts + "The");
    arrive();
    agent = &start(in_blocks());
    agent->come_up();
    agent->answer(part_one + "\n\nOther words.");
    EXPECT_THAT(agent->texts(), ElementsAre("Other words."));
}

// The run has ended, the reply is not in the outbox; and blocks are not wanted any more.
TEST_F(AnswersInBlocks, AreLeftOutByAProcessThatOnlyFindsTheEnd) {
    ChannelProcess* agent = &begin(in_blocks());
    says(two_parts + "The");
    arrive();
    {
        SQLite::Database disk(directory / "hardshell/agent/state.sqlite", SQLite::OPEN_READWRITE);
        disk.exec(
            "CREATE TRIGGER full BEFORE UPDATE ON inbound BEGIN "
            "SELECT RAISE(ABORT, 'full'); END");
        agent->answer(three_parts);
        disk.exec("DROP TRIGGER full");
    }
    agent = &start();
    agent->come_up();
    EXPECT_TRUE(agent->life.models.calls.empty());
    EXPECT_THAT(agent->texts(), ElementsAre(part_three));
}

TEST_F(AnswersInBlocks, OfAnotherModelAreComparedWithWhatTheFirstOneSaid) {
    ChannelProcess& agent = begin(in_blocks());
    says(part_one + "\n\nThe sec");
    arrive();
    agent.life.models.last().listener->restarted({ModelFailure::Reason::provider, 500, "down", {}},
                                                 {"fake", "two"});
    says(part_one);
    says("\n\n" + part_two + "\n\nThe");
    arrive();
    agent.answer(three_parts);
    arrive();
    EXPECT_THAT(agent.texts(), ElementsAre(part_one, part_two, part_three));
}

TEST_F(AnswersInBlocks, TellWhatIsSaidBeforeAToolIsUsed) {
    ChannelProcess& agent = begin(in_blocks());
    says("Let me");
    agent.life.models.last().ask_for(
        "Let me look.", *parse_json(R"([{"id": "c1", "name": "look", "arguments": {}}])"));
    loop.settle();
    EXPECT_THAT(agent.texts(), ElementsAre("Let me look."));
    arrive();
    agent.life.tools.last().listener->tool_ended(tool_text("found"));
    loop.settle();
    ASSERT_EQ(agent.life.models.calls.size(), 2u);
    agent.answer("Let me look. Yes.");
    EXPECT_THAT(agent.texts(), ElementsAre("Let me look.", "Let me look. Yes."))
        << "another message, which may begin with the same words";
}

TEST_F(AnswersInBlocks, EndInOneWhenTheChannelTakesNoBlock) {
    ChannelProcess& agent = begin(in_blocks());
    says(part_one + "\n\nThe sec");
    loop.advance(BlockStreams::send_timeout_ms);
    says("ond part.\n\nThe");
    agent.answer(three_parts);
    arrive();
    EXPECT_THAT(agent.texts(), ElementsAre(part_one, part_two + "\n\n" + part_three));
}

TEST_F(AnswersInBlocks, EndInOneWhenTheDiskTakesNone) {
    ChannelProcess& agent = begin(in_blocks());
    SQLite::Database disk(directory / "hardshell/agent/state.sqlite", SQLite::OPEN_READWRITE);
    disk.exec(
        "CREATE TRIGGER full BEFORE INSERT ON outbound BEGIN "
        "SELECT RAISE(ABORT, 'full'); END");
    says(two_parts + "The");
    disk.exec("DROP TRIGGER full");
    agent.answer(three_parts);
    EXPECT_THAT(agent.texts(), ElementsAre(three_parts));
}

TEST_F(AnswersInBlocks, StopWithTheRun) {
    ChannelProcess& agent = begin(in_blocks());
    says(part_one + "\n\nThe sec");
    arrive();
    agent.life.models.last().fail("the key is wrong");
    loop.advance(1'000);
    ASSERT_EQ(agent.texts().size(), 2u);
    EXPECT_THAT(agent.texts().back(), HasSubstr("the key is wrong"));
}

TEST_F(AnswersInBlocks, AreReplacedByTheDraftOfAPrivateChatWithTopics) {
    ChannelProcess& agent = start(in_blocks());
    hardshell::proto::InboundMessage message;
    message.mutable_place()->set_kind(Place::DIRECT);
    message.mutable_place()->set_chat_id("555");
    const auto wants = [&](const std::string& channel) {
        ChannelTurn turn;
        turn.account = {channel, "default"};
        turn.message = message;
        return block_settings(agent.life.config, turn);
    };
    EXPECT_TRUE(wants("telegram").on);
    EXPECT_FALSE(wants("voice").on);
    message.mutable_place()->set_thread_id("7");
    EXPECT_FALSE(wants("telegram").on);
    EXPECT_TRUE(wants("discord").on);
    message.set_is_native_command(true);
    EXPECT_FALSE(wants("discord").on);
}

TEST_F(AnswersInBlocks, HaveTheSizesOfTheirPlatform) {
    ChannelProcess& agent = start(*parse_json(
        R"({"agents": {"defaults": {"blockStreamingDefault": "on",
                                    "humanDelay": {"mode": "natural"}}},
            "channels": {"telegram": {"textChunkLimit": 1000}}})"));
    const auto of = [&](const std::string& channel) {
        ChannelTurn turn;
        turn.account = {channel, "default"};
        return block_settings(agent.life.config, turn);
    };
    EXPECT_EQ(of("telegram").chunk.least, 800u);
    EXPECT_EQ(of("telegram").chunk.most, 1'000u);
    EXPECT_EQ(of("telegram").join.most, 1'000u);
    EXPECT_EQ(of("discord").chunk.most, 1'200u);
    EXPECT_EQ(of("discord").join.least, 1'500u);
    EXPECT_EQ(of("discord").join.most, 2'000u);
    EXPECT_EQ(of("discord").pause.least_ms, 800);
    EXPECT_EQ(of("discord").pause.most_ms, 2'500);
}

// Channels end it two minutes after they were told last.
TEST_F(AnswersInBlocks, LetTypingGoOnWhileSomethingIsSaid) {
    ChannelProcess& agent = begin(in_blocks());
    EXPECT_THAT(agent.typing(), ElementsAre("on"));
    loop.advance(150'000);
    EXPECT_THAT(agent.typing(), ElementsAre("on")) << "nothing was said: it ends by itself";
    says("The first");
    EXPECT_THAT(agent.typing(), ElementsAre("on", "on"));
    says(" part.\n\nThe sec");
    EXPECT_THAT(agent.typing(), ElementsAre("on", "on")) << "it lasts";
    arrive();
    EXPECT_THAT(agent.typing(), ElementsAre("on", "on", "on")) << "a message has ended it";
}

}  // namespace
}  // namespace agent
