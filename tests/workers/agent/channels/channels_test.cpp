// Messages in, answers out, over ends of this process and of the channels'.

#include "workers/agent/channels/channels.h"

#include <gmock/gmock.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/workers/agent/channels/channel_process.h"
#include "workers/agent/channels/routing.h"
#include "workers/agent/tool_policy.h"
#include "workers/agent/transcript.h"

namespace agent {
namespace {

using testing::_;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ChannelMessages, AreAcceptedAnsweredAndDelivered) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    EXPECT_THAT(agent.accepted(), ElementsAre("1"));
    ASSERT_EQ(agent.life.models.calls.size(), 1u);
    EXPECT_THAT(message_text(agent.life.models.last().request.messages.back()),
                HasSubstr("[Telegram Ann id:555"));
    EXPECT_THAT(agent.typing(), ElementsAre("on"));
    agent.answer("Hi Ann");
    EXPECT_THAT(agent.typing(), ElementsAre("on", "off"));
    ASSERT_THAT(agent.texts(), ElementsAre("Hi Ann"));
    const DeliverMessage delivery = agent.delivered().front();
    EXPECT_EQ(delivery.place().chat_id(), "555");
    EXPECT_EQ(delivery.reply_to_id(), "1");
    EXPECT_EQ(delivery.made_ms(), loop.now_ms);
    EXPECT_FALSE(delivery.first_part_is_ambiguous());
    agent.report(delivery.delivery_id(), DeliveryReport::SENDING);
    EXPECT_EQ(agent.told.back().sending_noted().delivery_id(), delivery.delivery_id());
    agent.report(delivery.delivery_id(), DeliveryReport::SENT);
    agent.come_up();
    EXPECT_EQ(agent.texts().size(), 1u) << "settled";
    const Json entry = (*agent.life.store->find({"main", "agent:main:main"}))->entry;
    EXPECT_EQ(entry["lastChannel"], "telegram");
    EXPECT_EQ(entry["lastTo"], "555");
}

TEST_F(ChannelMessages, AreHandledOnceHoweverOftenTheyAreOffered) {
    ChannelProcess* agent = &start();
    agent->come_up();
    agent->offer("1", "hello");
    agent->offer("1", "hello");
    EXPECT_THAT(agent->accepted(), ElementsAre("1", "1"));
    EXPECT_EQ(agent->life.models.calls.size(), 1u);
    agent->answer("Hi");
    agent = &start();
    agent->come_up();
    agent->offer("1", "hello");
    EXPECT_THAT(agent->accepted(), ElementsAre("1"));
    EXPECT_TRUE(agent->life.models.calls.empty());
    EXPECT_THAT(agent->texts(), ElementsAre("Hi")) << "not reported yet";
}

// The process ends after each step; the next one goes on from there.
TEST_F(ChannelMessages, SurviveTheEndOfTheProcessAtEveryStep) {
    ChannelProcess* agent = &start();
    agent->come_up();
    agent->offer("1", "hello");  // accepted, the run is under way
    agent = &start();
    agent->come_up();
    ASSERT_EQ(agent->life.models.calls.size(), 1u) << "begun again";
    agent->answer("Hi");  // in the outbox
    agent = &start();
    EXPECT_TRUE(agent->texts().empty()) << "the channel is not there";
    agent->come_up(true);
    ASSERT_THAT(agent->texts(), ElementsAre("Hi"));
    EXPECT_EQ(agent->delivered().front().first_message_id(), "");
    const std::string id = agent->delivered().front().delivery_id();
    agent->report(id, DeliveryReport::SENDING, 0, 2);
    agent->report(id, DeliveryReport::SENT, 0, 2);
    agent = &start();
    agent->come_up();
    ASSERT_EQ(agent->delivered().size(), 1u);
    EXPECT_EQ(agent->delivered().front().first_part(), 1u);
    EXPECT_EQ(agent->delivered().front().first_message_id(), "m0");
    EXPECT_FALSE(agent->delivered().front().first_part_is_ambiguous());
    agent->report(id, DeliveryReport::SENDING, 1, 2);
    agent = &start();
    agent->come_up();
    ASSERT_EQ(agent->delivered().size(), 1u);
    EXPECT_TRUE(agent->delivered().front().first_part_is_ambiguous());
    agent->report(id, DeliveryReport::SENT, 1, 2);
    agent = &start();
    agent->come_up();
    EXPECT_TRUE(agent->delivered().empty());
    EXPECT_TRUE(agent->life.models.calls.empty());
}

// Neither the end of the run nor the reply can be written at first.
TEST_F(ChannelMessages, AreAnsweredOnceTheDiskTakesTheAnswer) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    SQLite::Database disk(directory / "hardshell/agent/state.sqlite", SQLite::OPEN_READWRITE);
    for (const char* table : {"runs", "inbound"})
        disk.exec(std::string("CREATE TRIGGER full_") + table + " BEFORE UPDATE ON " + table +
                  " BEGIN SELECT RAISE(ABORT, 'full'); END");
    agent.answer("Hi");
    loop.advance(2'000);
    EXPECT_THAT(agent.texts(), IsEmpty());
    disk.exec("DROP TRIGGER full_runs; DROP TRIGGER full_inbound");
    loop.advance(2'000);
    EXPECT_THAT(agent.texts(), ElementsAre("Hi"));
    EXPECT_EQ(agent.life.models.calls.size(), 1u) << "not begun again";
    EXPECT_TRUE(agent.life.store->channels().open_inbound()->empty());
    EXPECT_TRUE(agent.life.store->unfinished_runs()->empty());
}

TEST_F(ChannelMessages, TellOfATurnThatEndedTheProcessTwice) {
    for (int life = 0; life < 2; ++life) {
        ChannelProcess& agent = start();
        agent.come_up();
        agent.offer("1", "hello");
        EXPECT_EQ(agent.life.models.calls.size(), 1u);
    }
    ChannelProcess& agent = start();
    agent.come_up();
    EXPECT_TRUE(agent.life.models.calls.empty());
    ASSERT_EQ(agent.texts().size(), 1u);
    EXPECT_THAT(agent.texts().front(), HasSubstr("ended twice while answering this"));
    EXPECT_TRUE(agent.delivered().front().is_notice());
}

// A command is no run; each process that begins it ends.
TEST_F(ChannelMessages, ThatEndTheProcessBeforeTheirTurnArePutAside) {
    {
        ChannelProcess& agent = start();
        agent.come_up();
        for (const char* key : {"1", "2", "3"}) {
            agent.offer(key, std::string(80'000, 'q'));
            agent.answer("noted");
            agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
        }
        agent.offer("4", "/compact");
        ASSERT_EQ(agent.life.models.calls.size(), 4u);
    }
    for (int life = 1; life < ChannelTurns::most_tries; ++life) {
        ChannelProcess& agent = start();
        EXPECT_EQ(agent.life.models.calls.size(), 1u) << "begun again";
        ASSERT_EQ(agent.life.store->channels().open_inbound()->size(), 1u);
        EXPECT_EQ(agent.life.store->channels().open_inbound()->front().tries, life);
    }
    ChannelProcess& agent = start();
    agent.come_up();
    EXPECT_TRUE(agent.life.models.calls.empty());
    EXPECT_THAT(agent.texts(), ElementsAre(HasSubstr("ended three times")));
    EXPECT_TRUE(agent.delivered().front().is_notice());
    EXPECT_TRUE(agent.life.store->channels().open_inbound()->empty());
    agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
    agent.offer("5", "hello");
    EXPECT_EQ(agent.life.models.calls.size(), 1u) << "the next one has its turn";
}

// What cannot begin because the disk takes nothing ends no process.
TEST_F(ChannelMessages, ThatHaveToWaitCountAsNotTried) {
    {
        ChannelProcess& agent = start();
        SQLite::Database disk(directory / "hardshell/agent/state.sqlite", SQLite::OPEN_READWRITE);
        disk.exec(
            "CREATE TRIGGER full_runs BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'full'); "
            "END");
        agent.come_up();
        agent.offer("1", "hello");
    }
    for (int life = 0; life < 5; ++life) {
        ChannelProcess& agent = start();
        loop.advance(2'000);
        ASSERT_EQ(agent.life.store->channels().open_inbound()->size(), 1u);
        EXPECT_EQ(agent.life.store->channels().open_inbound()->front().tries, 0);
    }
    SQLite::Database(directory / "hardshell/agent/state.sqlite", SQLite::OPEN_READWRITE)
        .exec("DROP TRIGGER full_runs");
    EXPECT_EQ(start().life.models.calls.size(), 1u);
}

TEST_F(ChannelMessages, ThatAreChangedAreAnsweredOnce) {
    ChannelProcess* agent = &start();
    agent->come_up();
    agent->offer("1", "hello");
    agent->offer("2", "the rde one");
    agent->change("e1", "2", "the red one");  // it waits
    agent->change("e2", "1", "hello you");    // it is being answered
    agent->change("e3", "77", "");
    EXPECT_THAT(agent->accepted(), ElementsAre("1", "2", "e1", "e2", "e3"));
    EXPECT_EQ(agent->life.store->channels().open_inbound()->size(), 2u);
    agent = &start();
    agent->come_up();
    agent->answer("Hi");
    ASSERT_EQ(agent->life.models.calls.size(), 2u);
    const std::string asked = message_text(agent->life.models.last().request.messages.back());
    EXPECT_THAT(asked, HasSubstr("the red one"));
    EXPECT_THAT(asked, testing::Not(HasSubstr("rde")));
    agent->answer("red it is");
    EXPECT_EQ(agent->life.models.calls.size(), 2u);
    EXPECT_TRUE(agent->life.store->channels().open_inbound()->empty());
}

TEST_F(ChannelMessages, ThatAreChangedLaterAreToldToTheNextTurn) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.answer("Hi");
    agent.change("e1", "1", "hello you");
    EXPECT_EQ(agent.life.models.calls.size(), 1u);
    agent.offer("2", "and?");
    ASSERT_EQ(agent.life.models.calls.size(), 2u);
    EXPECT_THAT(message_text(agent.life.models.last().request.messages.back()),
                HasSubstr("[edited message id:1] hello you\n"));
}

TEST_F(ChannelMessages, SentTwiceByOneRequestAreInTheConversationOnce) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.answer("Hi");
    agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
    Life& life = agent.life;
    Methods methods(MethodServices{
        *life.runs, *life.store, life.models, agent.events, life.config, life.system_events,
        *life.heartbeats, *life.cron, *life.desk, [&] { return life.models.list(); },
        [this] { return loop.now_ms; }, directory.path(), agent.channels.get(), &life.tools});
    const Json params{{"channel", "telegram"},
                      {"to", "555"},
                      {"message", "tea is ready"},
                      {"sessionKey", "main"},
                      {"idempotencyKey", "k1"}};
    size_t answers = 0;
    const auto count = [&](const Answer& answer) { answers += answer.ok; };
    methods.call("send", print_json(params), count);
    methods.call("send", print_json(params), count);
    loop.settle();
    agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
    EXPECT_EQ(answers, 2u);
    EXPECT_THAT(agent.texts(), ElementsAre("Hi", "tea is ready"));
    const auto history =
        life.store->history(**life.store->find({"main", "agent:main:main"}), {50, 0, 1 << 20});
    ASSERT_TRUE(history);
    EXPECT_EQ(parse_json(*history)->size(), 3u);
}

TEST_F(ChannelMessages, GoOnAfterAPlannedEnd) {
    for (int life = 0; life < 4; ++life) {  // no attempt counts
        ChannelProcess& agent = start();
        agent.come_up();
        agent.offer("1", "hello");
        ASSERT_EQ(agent.life.models.calls.size(), 1u);
        bool drained = false;
        agent.channels->stop_taking();
        agent.life.runs->drain(std::chrono::milliseconds(100), [&] { drained = true; });
        loop.advance(200);
        EXPECT_TRUE(drained);
        EXPECT_TRUE(agent.texts().empty());
    }
    ChannelProcess& agent = start();
    agent.come_up();
    agent.answer("Hi");
    EXPECT_THAT(agent.texts(), ElementsAre("Hi"));
}

TEST_F(ChannelMessages, AreToldWhyATurnFailed) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.life.models.last().fail("the key is wrong");
    loop.settle();
    EXPECT_THAT(agent.texts(), ElementsAre("⚠️ Agent failed before reply: the key is wrong\n"
                                           "Logs: openclaw logs --follow"));
}

TEST_F(ChannelMessages, GetNoAnswerWhereThereIsNothingToSay) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.answer("NO_REPLY");
    agent.offer("2", "/help", false);
    EXPECT_TRUE(agent.texts().empty());
    EXPECT_EQ(agent.life.models.calls.size(), 1u);
    EXPECT_THAT(agent.accepted(), ElementsAre("1", "2"));
}

TEST_F(ChannelMessages, AreDroppedWhenTheirPlaceCannotBeNamed) {
    ChannelProcess& agent = start();
    agent.come_up();
    ChannelToAgent message;
    message.mutable_inbound()->set_key("1");
    message.mutable_inbound()->mutable_place()->set_chat_id(std::string(1'000, 'x'));
    agent.say(message);
    message.mutable_inbound()->mutable_place()->set_chat_id("a\nb");
    agent.say(message);
    EXPECT_THAT(agent.accepted(), ElementsAre("1", "1")) << "so that it is not offered for ever";
    EXPECT_TRUE(agent.life.models.calls.empty());
}

TEST_F(ChannelMessages, BringFilesOfTheWorkspaceAlong) {
    const std::string workspace = directory / "workspace";
    ChannelProcess& agent = start(Json{{"agents", {{"defaults", {{"workspace", workspace}}}}}});
    write_text(workspace + "/plots/a.png", "pixels");
    write_text(directory / "secret.txt", "key");
    agent.come_up();
    agent.offer("1", "plot it");
    agent.answer("Here:\nMEDIA:plots/a.png\nMEDIA:" + (directory / "secret.txt") +
                 "\nMEDIA:../secret.txt");
    ASSERT_EQ(agent.delivered().size(), 1u);
    const DeliverMessage delivery = agent.delivered().front();
    ASSERT_EQ(delivery.attachments_size(), 1);
    const auto& file = delivery.attachments(0);
    EXPECT_EQ(file.mime_type(), "image/png");
    EXPECT_EQ(file.file_name(), "a.png");
    EXPECT_EQ(read_text(directory / file.path()), "pixels");
    EXPECT_THAT(delivery.text(), HasSubstr("[file could not be sent: ../secret.txt]"));
    agent.report(delivery.delivery_id(), DeliveryReport::SENT);
    EXPECT_FALSE(std::filesystem::exists(directory / file.path()));
}

TEST_F(ChannelMessages, CarryAPromisedAnswerOverTheEndOfTheProcess) {
    ChannelProcess* agent = &start();
    RunOrder order;
    order.record.method = "agent";
    order.record.run_id = "r1";
    order.record.session = {"main", "agent:main:main"};
    order.record.spelling = "main";
    order.record.message = Json{{"role", "user"}, {"content", "report"}, {"timestamp", 1}};
    order.notes = {PromisedAnswers::note("r1", {"telegram", "555", "default", "", {}})};
    ASSERT_TRUE(agent->life.runs->accept(std::move(order)));
    loop.settle();
    agent = &start();
    agent->come_up();
    ASSERT_EQ(agent->life.models.calls.size(), 1u);
    agent->answer("all is well");
    EXPECT_THAT(agent->texts(), ElementsAre("all is well"));
    agent = &start();
    agent->come_up();
    EXPECT_THAT(agent->texts(), ElementsAre("all is well")) << "the same, not reported yet";
    EXPECT_TRUE(agent->life.store->notes_under("deliver/")->empty());
}

TEST_F(ChannelMessages, ThatWaitAreAnsweredTogether) {
    ChannelProcess& agent = start(*parse_json(R"({"messages": {"queue": {"debounceMs": 500}}})"));
    agent.come_up();
    for (const char* key : {"1", "2", "3"}) agent.offer(key, std::string("message ") + key);
    agent.life.models.last().finish("first answer");
    loop.advance(500);
    ASSERT_EQ(agent.life.models.calls.size(), 2u);
    const std::string asked = message_text(agent.life.models.last().request.messages.back());
    EXPECT_THAT(asked, HasSubstr("Queued #1\n[Telegram"));
    EXPECT_THAT(asked, HasSubstr("message 3"));
    agent.life.models.last().finish("second answer");
    loop.settle();
    agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
    EXPECT_THAT(agent.texts(), ElementsAre("first answer", "second answer"));
    EXPECT_TRUE(agent.life.store->channels().open_inbound()->empty());
    agent.offer("4", "x");
    loop.advance(500);
    EXPECT_EQ(agent.life.models.calls.size(), 3u) << "there is room for the next";
}

TEST_F(ChannelMessages, ThatAreCommandsAreAnsweredByNoModel) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "/think high");
    agent.offer("2", "/status");
    agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
    ASSERT_EQ(agent.texts().size(), 2u);
    EXPECT_EQ(agent.texts()[0], "Thinking level set to high.");
    EXPECT_THAT(agent.texts()[1], HasSubstr("Think: high"));
    EXPECT_TRUE(agent.life.models.calls.empty());
    agent.offer("3", "hello");
    EXPECT_EQ(agent.life.models.last().request.thinking, "high");
}

TEST_F(ChannelMessages, ShowThoughtsAndUsageWhereTheyAreWanted) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "/usage tokens");
    agent.offer("2", "/reasoning on");
    for (int i = 0; i < 2; ++i)
        agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
    agent.offer("3", "hello");
    agent.life.models.last().listener->done(*parse_json(R"({"role": "assistant", "content": [
        {"type": "thinking", "thinking": "A greeting."}, {"type": "text", "text": "Hi"}],
        "usage": {"input": 1200, "output": 5}, "stopReason": "stop", "timestamp": 1})"));
    loop.settle();
    EXPECT_EQ(agent.texts().back(), "Reasoning:\n_A greeting._\n\nHi\n\nUsage: 1.2k in / 5 out");
}

TEST_F(ChannelMessages, OfANewThreadGoOnFromWhatWasSaidBefore) {
    ChannelProcess& agent = start();
    agent.come_up();
    const auto in_channel = [&](const std::string& key, const std::string& text,
                                const std::string& chat, const std::string& parent) {
        hardshell::proto::InboundMessage inbound;
        inbound.set_key(key);
        inbound.mutable_place()->set_kind(Place::CHANNEL);
        inbound.mutable_place()->set_chat_id(chat);
        inbound.mutable_place()->set_guild_id("9");
        inbound.mutable_place()->set_parent_id(parent);
        inbound.mutable_sender()->set_id("555");
        inbound.set_text(text);
        ChannelToAgent message;
        *message.mutable_inbound() = inbound;
        agent.channels->take("discord", message.SerializeAsString());
        loop.settle();
    };
    agent.channels->add({"discord", "default"}, [](const AgentToChannel&) { return Done(); });
    in_channel("1", "apples", "300", "");
    agent.answer("noted");
    in_channel("2", "and pears", "301", "300");
    const auto& shown = agent.life.models.last().request.messages;
    ASSERT_EQ(shown.size(), 3u);
    EXPECT_THAT(message_text(shown[0]), HasSubstr("apples"));
    EXPECT_THAT(message_text(shown[2]), HasSubstr("and pears"));
    agent.answer("noted");
    in_channel("3", "plums", "300", "");
    EXPECT_EQ(agent.life.models.last().request.messages.size(), 3u) << "the channel's own goes on";
}

TEST_F(ChannelMessages, StopARun) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.offer("2", "stop");
    EXPECT_TRUE(agent.life.models.last().cancelled);
    EXPECT_THAT(agent.texts(), ElementsAre("⚙️ Agent was aborted."));
}

TEST_F(ChannelMessages, WaitForTheirTurnWhenTooManyWait) {
    constexpr size_t more = 3;
    ChannelProcess& agent = start(*parse_json(
        R"({"messages": {"queue": {"mode": "followup", "debounceMs": 0, "cap": 9999}}})"));
    agent.come_up();
    for (size_t n = 0; n < Runs::most_held + more; ++n) agent.offer(std::to_string(n), "hello");
    EXPECT_EQ(agent.accepted().size(), Runs::most_held + more);
    const auto held = [&] { return agent.life.runs->active() + agent.life.runs->waiting(); };
    for (size_t n = 0; n < more; ++n) {
        EXPECT_EQ(held(), Runs::most_held);
        agent.answer("Hi");
        loop.advance(600);
    }
    EXPECT_EQ(held(), Runs::most_held) << "the last one has found its place";
    agent.answer("Hi");
    EXPECT_EQ(held(), Runs::most_held - 1);
}

TEST_F(ChannelMessages, KeepTheirOrderInOneChatAndAreTriedAgain) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "one");
    agent.answer("first");
    agent.offer("2", "two");
    agent.answer("second");
    EXPECT_THAT(agent.texts(), ElementsAre("first")) << "one at a time";
    const std::string id = agent.delivered().front().delivery_id();
    agent.report(id, DeliveryReport::LATER);
    EXPECT_EQ(agent.texts().size(), 1u);
    loop.advance(Outbox::pause_ms(1) + 1);
    EXPECT_THAT(agent.texts(), ElementsAre("first", "first"));
    agent.report(id, DeliveryReport::SENT);
    EXPECT_THAT(agent.texts(), ElementsAre("first", "first", "second"));
}

TEST_F(ChannelMessages, AreGivenUpAfterADay) {
    ChannelProcess& agent = start();
    agent.offer("1", "hello");
    agent.answer("late");
    loop.advance(Outbox::time_to_live_ms + 120'000);
    agent.come_up();
    EXPECT_TRUE(agent.texts().empty());
    EXPECT_THAT(agent.life.system_events.lines({"main", "agent:main:main"}),
                HasSubstr("a message was not delivered on telegram"));
}

TEST_F(ChannelMessages, AreReportedWhenNobodyKnowsWhetherTheyArrived) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.answer("Hi");
    agent.report(agent.delivered().front().delivery_id(), DeliveryReport::LOST, 0, 1, "cut off");
    EXPECT_THAT(agent.life.system_events.lines({"main", "agent:main:main"}),
                HasSubstr("it is not known whether a message arrived on telegram: cut off"));
    agent.come_up();
    EXPECT_EQ(agent.texts().size(), 1u);
}

TEST_F(ChannelMessages, GoOutWhenTheLinkHasRoomAgain) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.reachable = false;
    agent.answer("Hi");
    EXPECT_TRUE(agent.texts().empty());
    agent.reachable = true;
    loop.advance(2'000);
    EXPECT_THAT(agent.texts(), ElementsAre("Hi"));
}

TEST_F(ChannelMessages, MayBeSentByOthers) {
    ChannelProcess& agent = start();
    agent.come_up();
    DeliveryWish wish;
    wish.session = {"main", "agent:main:main"};
    EXPECT_THAT(agent.channels->resolve(wish).error().what, HasSubstr("nobody has written"));
    agent.offer("1", "hello");
    agent.answer("Hi");
    agent.report(agent.delivered().front().delivery_id(), DeliveryReport::SENT);
    const Result<DeliveryWish> last = agent.channels->resolve(wish);
    ASSERT_TRUE(last) << last.error().what;
    EXPECT_EQ(last->channel, "telegram");
    EXPECT_EQ(last->to, "555");
    std::vector<std::string> states;
    const auto settled = [&](const DeliveryOutcome& outcome) {
        states.push_back(outcome.state + " " + outcome.platform_id);
    };
    ASSERT_TRUE(agent.channels->deliver(*last, "tea is ready", "cron:1", settled));
    ASSERT_TRUE(agent.channels->deliver(*last, "tea is ready", "cron:1", settled));
    loop.settle();
    EXPECT_THAT(agent.texts(), ElementsAre("Hi", "tea is ready"));
    agent.report(agent.delivered().back().delivery_id(), DeliveryReport::SENT);
    ASSERT_TRUE(agent.channels->deliver(*last, "tea is ready", "cron:1", settled));
    EXPECT_THAT(states, ElementsAre("sent m0", "sent m0", "sent m0"));
    EXPECT_EQ(agent.texts().size(), 2u);
    wish.channel = "discord";
    wish.to = "user:1";
    EXPECT_EQ(agent.channels->resolve(wish).error().fault, Fault::unreachable);
}

TEST_F(ChannelMessages, ShowDraftsOfAnAnswer) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.life.models.last().say("Hi th");
    loop.advance(Run::text_every_ms);
    std::string draft;
    for (const auto& message : agent.told)
        if (message.has_draft()) draft = message.draft().draft_id();
    EXPECT_FALSE(draft.empty());
    agent.answer("Hi there");
    EXPECT_EQ(agent.delivered().front().draft_id(), draft);
}

// What an earlier process has shown is not left beside the answer of the next one.
TEST_F(ChannelMessages, GoOnWithTheDraftOfAnEarlierProcess) {
    const auto shown_by = [&](ChannelProcess& agent) {
        agent.come_up();
        agent.offer("1", "hello");
        agent.life.models.last().say("Hi th");
        loop.advance(Run::text_every_ms);
        std::string draft;
        for (const auto& message : agent.told)
            if (message.has_draft()) draft = message.draft().draft_id();
        return draft;
    };
    const std::string draft = shown_by(start());
    EXPECT_FALSE(draft.empty());
    EXPECT_EQ(shown_by(start()), draft);
    ChannelProcess& last = start();
    last.come_up();
    ASSERT_THAT(last.texts(), ElementsAre(HasSubstr("ended twice while answering this")));
    EXPECT_EQ(last.delivered().front().draft_id(), draft);
}

TEST_F(ChannelMessages, TakeTheDraftAwayWhereNoAnswerComes) {
    ChannelProcess& agent = start();
    agent.come_up();
    agent.offer("1", "hello");
    agent.life.models.last().say("Hi th");
    loop.advance(Run::text_every_ms);
    const auto drafts = [&] {
        std::vector<hardshell::proto::ShowDraft> all;
        for (const auto& message : agent.told)
            if (message.has_draft()) all.push_back(message.draft());
        return all;
    };
    ASSERT_EQ(drafts().size(), 1u);
    EXPECT_FALSE(drafts()[0].is_over());
    agent.offer("2", "stop");
    ASSERT_EQ(drafts().size(), 2u);
    EXPECT_TRUE(drafts()[1].is_over());
    EXPECT_EQ(drafts()[1].draft_id(), drafts()[0].draft_id());
}

TEST_F(ChannelMessages, FollowAGroupToItsNewId) {
    ChannelProcess& agent = start();
    agent.come_up();
    ChannelToAgent message;
    auto& inbound = *message.mutable_inbound();
    inbound.set_key("g1");
    inbound.mutable_place()->set_kind(Place::GROUP);
    inbound.mutable_place()->set_chat_id("-5");
    inbound.mutable_sender()->set_id("555");
    inbound.set_text("hello");
    agent.say(message);
    agent.answer("Hi");
    const std::string id =
        (*agent.life.store->find({"main", "agent:main:telegram:group:-5"}))->id();
    ChannelToAgent moved;
    moved.mutable_chat_moved()->set_from_chat_id("-5");
    moved.mutable_chat_moved()->set_to_chat_id("-1001234567890");
    agent.say(moved);
    const auto found =
        *agent.life.store->find({"main", "agent:main:telegram:group:-1001234567890"});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->id(), id);
    EXPECT_EQ(found->entry["lastTo"], "-1001234567890");
    EXPECT_FALSE(*agent.life.store->find({"main", "agent:main:telegram:group:-5"}));
}

// What an owner says of groups, and what is learnt of them.
class MovedGroup : public ChannelMessages {
  protected:
    static constexpr const char* before = "-5";
    static constexpr const char* after = "-1001234567890";

    static Json config_for(const std::string& id) {
        Json config = Json::parse(R"({
            "agents": {"list": [{"id": "main"}, {"id": "ops"}]},
            "channels": {"telegram": {"groups": {"*": {}}}}})");
        config["channels"]["telegram"]["groups"][id] = {{"tools", {{"deny", {"exec"}}}}};
        config["bindings"] = Json::array(
            {{{"agentId", "ops"},
              {"match", {{"channel", "telegram"}, {"peer", {{"kind", "group"}, {"id", id}}}}}}});
        return config;
    }
    static void tell(ChannelProcess& agent, const char* to = after) {
        ChannelToAgent moved;
        moved.mutable_chat_moved()->set_from_chat_id(before);
        moved.mutable_chat_moved()->set_to_chat_id(to);
        agent.say(moved);
    }
    static void expect_rules_for(ChannelProcess& agent, const std::string& id) {
        ToolCaller caller;
        caller.agent = "ops";
        caller.session_key = "agent:ops:telegram:group:" + id;
        EXPECT_FALSE(tool_allowed(agent.life.config.json(), caller, "exec")) << id;
        EXPECT_TRUE(tool_allowed(agent.life.config.json(), caller, "read")) << id;
        EXPECT_EQ(agent_of(agent, id), "ops") << id;
    }
    static std::string agent_of(ChannelProcess& agent, const std::string& id) {
        Place place;
        place.set_kind(Place::GROUP);
        place.set_chat_id(id);
        return route_of(agent.life.config, {"telegram", "default"}, place, {}).agent;
    }
};

TEST_F(MovedGroup, HasTheRulesAndTheAgentItHadInLaterProcessesToo) {
    ChannelProcess* agent = &start(config_for(before));
    agent->come_up();
    EXPECT_EQ(agent_of(*agent, after), "main");
    tell(*agent);
    expect_rules_for(*agent, after);
    expect_rules_for(*agent, before);  // what was on its way
    agent = &start(config_for(before));
    agent->come_up();
    expect_rules_for(*agent, after);
    tell(*agent);
    expect_rules_for(*agent, after);
}

TEST_F(MovedGroup, MovesOnce) {
    ChannelProcess& agent = start(config_for(before));
    agent.come_up();
    tell(agent);
    tell(agent, "-1009999999999");
    expect_rules_for(agent, after);
    EXPECT_EQ(agent_of(agent, "-1009999999999"), "main");
}

TEST_F(MovedGroup, KeepsWhatTheOwnerSaysOfItUnderItsNewId) {
    Json config = config_for(before);
    config["channels"]["telegram"]["groups"][after] = {{"tools", {{"deny", {"read"}}}}};
    config["bindings"].push_back(
        {{"agentId", "main"},
         {"match", {{"channel", "telegram"}, {"peer", {{"kind", "group"}, {"id", after}}}}}});
    ChannelProcess& agent = start(config);
    agent.come_up();
    tell(agent);
    ToolCaller caller;
    caller.agent = "main";
    caller.session_key = std::string("agent:main:telegram:group:") + after;
    EXPECT_TRUE(tool_allowed(agent.life.config.json(), caller, "exec"));
    EXPECT_FALSE(tool_allowed(agent.life.config.json(), caller, "read"));
    EXPECT_EQ(agent_of(agent, after), "main");
    EXPECT_TRUE(agent.life.store->notes_under(MovedGroups::note_prefix)->empty());
}

TEST_F(MovedGroup, OfAnAccountTakesNothingFromAnother) {
    Json config = config_for(before);
    config["channels"]["telegram"]["accounts"]["ops"]["groups"] = {{before, {{"enabled", false}}}};
    config["bindings"][0]["match"]["accountId"] = "ops";
    ChannelProcess& agent = start(config);
    agent.come_up();
    tell(agent);
    const Json& telegram = agent.life.config.json()["channels"]["telegram"];
    EXPECT_TRUE(telegram["groups"].contains(after));
    EXPECT_FALSE(telegram["accounts"]["ops"]["groups"].contains(after));
    EXPECT_EQ(agent.life.config.json()["bindings"].size(), 1u);
}

TEST_F(MovedGroup, IsToldOnceMoreWithoutHarmToItsConversation) {
    ChannelProcess& agent = start();
    agent.come_up();
    Session session;
    for (const char* id : {before, after}) {
        session.key = {"main", std::string("agent:main:telegram:group:") + id};
        session.entry = {{"sessionId", std::string("session") + id}};
        ASSERT_TRUE(agent.life.store->save(session));
    }
    tell(agent);
    EXPECT_EQ((*agent.life.store->find(session.key))->id(), std::string("session") + after);
}

TEST_F(ChannelMessages, PutAnEmojiToWhatIsBeingAnswered) {
    ChannelProcess& agent = start(
        Json::parse(R"({"messages": {"ackReactionScope": "all", "removeAckAfterReply": true}})"));
    agent.come_up();
    agent.offer("1", "hello");
    agent.answer("Hi");
    std::vector<std::string> seen;
    for (const auto& message : agent.told)
        if (message.has_reaction())
            seen.push_back((message.reaction().remove() ? "-" : "+") + message.reaction().emoji());
    EXPECT_THAT(seen, ElementsAre("+👀", "-👀"));
}

TEST_F(ChannelMessages, TellHowTheAccountIs) {
    ChannelProcess& agent = start();
    int changes = 0;
    agent.channels->on_report_changed([&] { ++changes; });
    agent.come_up();
    ChannelToAgent message;
    message.mutable_status()->set_connected(true);
    message.mutable_status()->set_mode("polling");
    message.mutable_status()->set_last_inbound_ms(5);
    agent.say(message);
    EXPECT_EQ(changes, 2);
    const Json live = agent.channels->report()["telegram"]["accounts"]["default"]["live"];
    EXPECT_EQ(live["connected"], true);
    EXPECT_EQ(live["lastInboundAt"], 5);
    EXPECT_EQ(live["linked"], true);

    bool probed = false;
    agent.channels->probe(std::chrono::seconds(1), [&] { probed = true; });
    EXPECT_FALSE(probed);
    ChannelToAgent answer;
    answer.mutable_probe_answer()->set_id(agent.told.back().probe().id());
    answer.mutable_probe_answer()->set_result_json(R"({"ok": true})");
    agent.say(answer);
    EXPECT_TRUE(probed);
    EXPECT_EQ(agent.channels->report()["telegram"]["accounts"]["default"]["live"]["probe"]["ok"],
              true);
    probed = false;
    agent.channels->probe(std::chrono::seconds(1), [&] { probed = true; });
    loop.advance(1'001);
    EXPECT_TRUE(probed) << "nobody answered";
}

TEST(CallsOfAChannelsProcess, WaitAMomentForItsStart) {
    const TemporaryDirectory directory;
    ManualLoop loop;
    ChannelProcess agent(directory.path(), loop);
    std::vector<std::string> answers;
    const auto call = [&] {
        agent.channels->call_worker({"telegram", "default"}, "voicecall.status", Json::object(),
                                    false, [&](const Result<Json>& payload) {
                                        answers.push_back(payload ? "done" : payload.error().what);
                                    });
    };
    call();
    loop.advance(500);
    agent.come_up();
    EXPECT_TRUE(agent.told.back().has_call());
    EXPECT_THAT(answers, IsEmpty());

    agent.channels->peer_is("telegram", 2);
    EXPECT_THAT(answers, ElementsAre("telegram ended before it answered"));
    call();
    loop.advance(2'001);
    EXPECT_THAT(answers, ElementsAre(_, "telegram does not run"));
}

}  // namespace
}  // namespace agent
