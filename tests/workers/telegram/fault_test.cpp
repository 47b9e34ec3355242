// What can go wrong between Telegram, the worker and the agent, accounted for message by message.

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "tests/workers/telegram/telegram_fixture.h"
#include "workers/common/base/exit_codes.h"

namespace telegram {

namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using What = TelegramFault::What;

constexpr int64_t ann = 555;

}  // namespace

class TelegramFaults : public TelegramWorker {
  protected:
    // Hands over again what was put off, as the agent does.
    void deliver_to_the_end(const std::string& id, int64_t chat, const std::string& text) {
        deliver(id, chat, text);
        size_t seen = 0;
        until([&] {
            const auto all = reports(id);
            if (all.size() > seen) {
                seen = all.size();
                if (all.back().outcome() == DeliveryReport::LATER) deliver(id, chat, text);
            }
            return settled(id).has_value();
        });
    }
    size_t shown(int64_t chat, const std::string& text) const {
        const auto sent = telegram.from_bot(chat);
        return static_cast<size_t>(
            std::count_if(sent.begin(), sent.end(),
                          [&](const TelegramMessage& message) { return message.text == text; }));
    }
    void is_polling() {
        until([this] { return telegram.is_polled(); });
    }
};

TEST_F(TelegramFaults, ANetworkThatIsCutIsWaitedOut) {
    accept_everything();
    start();
    is_polling();
    telegram.refuse_connections(true);
    telegram.cut_connections();
    until([this] { return !status.connected() && !status.last_error().empty(); });
    telegram.say(ann, ann, "said while it was cut");
    const size_t before = telegram.calls().size();
    telegram.refuse_connections(false);
    inbound("said while it was cut");
    until([this] { return status.connected(); });
    EXPECT_LE(telegram.calls().size(), before + 6);
    EXPECT_EQ(offers.size(), 1u);
}

TEST_F(TelegramFaults, StartsWithoutANetworkAndServesWhenThereIsOne) {
    telegram.refuse_connections(true);
    accept_everything();
    start();
    until([this] { return ready; });
    EXPECT_FALSE(status.connected());
    telegram.refuse_connections(false);
    telegram.say(ann, ann, "hello");
    inbound("hello");
}

TEST_F(TelegramFaults, AHostThatNobodyKnowsIsWaitedFor) {
    api_url = "https://no-such-host.invalid";
    start();
    until([this] { return ready && !status.last_error().empty(); });
    EXPECT_FALSE(status.connected());
    EXPECT_THAT(log_text(), HasSubstr("no-such-host.invalid"));
    EXPECT_FALSE(failed);
    EXPECT_EQ(stop_worker(), 0);
}

TEST_F(TelegramFaults, AServerThatNeverAnswersIsNotWaitedForLongerThanTheOwnerSays) {
    section["timeoutSeconds"] = 2;
    accept_everything();
    start();
    is_polling();
    telegram.say(ann, ann, "hi");
    inbound("hi");
    telegram.black_hole(true);
    deliver("d1", ann, "into the dark");
    until([this] { return settled("d1").has_value(); });
    EXPECT_EQ(settled("d1")->outcome(), DeliveryReport::LOST);
    telegram.black_hole(false);
    deliver("d2", ann, "and back");
    until([this] { return settled("d2").has_value(); });
    EXPECT_EQ(settled("d2")->outcome(), DeliveryReport::SENT);
    EXPECT_EQ(shown(ann, "and back"), 1u);
}

TEST_F(TelegramFaults, LongPollsThatAreAnsweredAtOnceCauseNoStorm) {
    telegram.answer_polls_at_once(true);
    accept_everything();
    start();
    until([this] { return status.connected(); });
    const size_t before = telegram.calls("getUpdates").size();
    never([] { return false; }, milliseconds(3'000));
    EXPECT_LE(telegram.calls("getUpdates").size(), before + 8);
    telegram.say(ann, ann, "hello");
    inbound("hello");
}

TEST_F(TelegramFaults, PollsThatAreAnsweredWithSomethingElseCauseNoStorm) {
    accept_everything();
    start();
    is_polling();
    telegram.answer_polls_with(true);
    telegram.cut_connections();
    const size_t before = telegram.calls("getUpdates").size();
    never([] { return false; }, milliseconds(1'500));
    EXPECT_LE(telegram.calls("getUpdates").size(), before + 5);
    telegram.answer_polls_with(nullptr);
    telegram.say(ann, ann, "hello");
    inbound("hello");
}

TEST_F(TelegramFaults, UpdatesWithoutAnIdAreAskedForEverMoreSlowly) {
    accept_everything();
    start();
    is_polling();
    telegram.answer_polls_with({{{"message", {{"text", "nobody's"}}}}});
    telegram.cut_connections();
    until([this] { return log_text().find("has no update_id") != std::string::npos; });
    const size_t before = telegram.calls("getUpdates").size();
    never([] { return false; }, milliseconds(3'000));
    EXPECT_LE(telegram.calls("getUpdates").size(), before + 2) << "1 s, 2 s, 4 s";
    telegram.answer_polls_with(nullptr);
    telegram.say(ann, ann, "hello");
    inbound("hello");
}

// Servers and what stands before them close connections whenever they like; asking for updates
// twice does no harm.
TEST_F(TelegramFaults, AConnectionThatEndsDuringAPollIsMadeAnew) {
    accept_everything();
    start();
    is_polling();
    until([this] {
        const auto polls = telegram.calls("getUpdates");
        return polls.back().params.value("timeout", 0) > 0;
    });
    const size_t polls = telegram.calls("getUpdates").size();
    telegram.cut_connections();
    until([&] { return telegram.calls("getUpdates").size() > polls && telegram.is_polled(); });
    telegram.say(ann, ann, "hello");
    inbound("hello");
    EXPECT_EQ(log_text().find("Telegram network error"), std::string::npos);
    EXPECT_EQ(status.reconnects(), 0u);
}

TEST_F(TelegramFaults, AnAnswerCutInHalfLosesNothing) {
    accept_everything();
    start();
    is_polling();
    for (const What what : {What::half_answer, What::reset_after, What::reset_before}) {
        telegram.fail("getUpdates", {what});
        const std::string text = "message " + std::to_string(static_cast<int>(what));
        telegram.say(ann, ann, text);
        const std::string key = inbound(text).key();
        EXPECT_EQ(offers_of(key), 1u);
    }
    until([this] { return telegram.unconfirmed() == 0; });
    EXPECT_EQ(journal.size(), 3u);
}

TEST_F(TelegramFaults, AServerThatIsDownIsAskedEverMoreSlowly) {
    accept_everything();
    start();
    is_polling();
    telegram.set_down(true);
    telegram.cut_connections();
    deliver("d1", ann, "hello");
    until([this] { return !reports("d1").empty(); });
    EXPECT_EQ(reports("d1")[0].outcome(), DeliveryReport::LATER);
    EXPECT_GE(reports("d1")[0].retry_after_ms(), 1'000u);
    const uint64_t before = telegram.connections();
    never([] { return false; }, milliseconds(3'000));
    EXPECT_LE(telegram.connections(), before + 5);
    telegram.set_down(false);
    telegram.say(ann, ann, "back again");
    inbound("back again");
    deliver_to_the_end("d1", ann, "hello");
    EXPECT_EQ(shown(ann, "hello"), 1u);
}

TEST_F(TelegramFaults, AnotherPollerCausesNoStorm) {
    accept_everything();
    start();
    is_polling();
    const size_t before = telegram.calls("getUpdates").size();
    TelegramFault conflict;
    conflict.code = 409;
    conflict.description =
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
        "is running";
    conflict.times = 2;
    telegram.fail("getUpdates", conflict);
    telegram.cut_connections();
    until([this] { return status.last_error().find("409") != std::string::npos; });
    EXPECT_FALSE(status.connected());
    EXPECT_THAT(log_text(), HasSubstr("another program asks for this bot's messages"));
    telegram.say(ann, ann, "after the conflict");
    inbound("after the conflict");
    const auto calls = telegram.calls("getUpdates");
    // One cut, two conflicts, and what comes after: never more than a few in all that time.
    EXPECT_LE(calls.size(), before + 6);
    until([this] { return status.connected(); });
}

TEST_F(TelegramFaults, AWebhookThatWasSetBeforeIsTakenAway) {
    start();
    is_polling();
    EXPECT_EQ(telegram.calls("deleteWebhook").size(), 1u);
    EXPECT_FALSE(telegram.calls("deleteWebhook")[0].params.value("drop_pending_updates", true));
}

TEST_F(TelegramFaults, AWebhookThatCannotBeTakenAwayKeepsNobodyFromPolling) {
    TelegramFault refusal;
    refusal.code = 404;
    refusal.description = "Not Found: method not found";
    telegram.fail("deleteWebhook", refusal);
    accept_everything();
    start();
    telegram.say(ann, ann, "hello");
    inbound("hello");
}

TEST_F(TelegramFaults, CommandsThatTelegramDoesNotTakeNowAreShownLater) {
    TelegramFault busy;
    busy.retry_after = 1;
    telegram.fail("setMyCommands", busy);
    start();
    until([this] { return ready; });
    AgentToChannel list;
    list.mutable_commands()->add_commands()->set_name("status");
    send(list);
    until([this] { return telegram.commands().size() == 1; });
}

TEST_F(TelegramFaults, AStrangerIsToldTheCodeWhenTelegramIsBack) {
    section = {{"dmPolicy", "pairing"}};
    start();
    telegram.fail("sendMessage", {What::status, 503});
    telegram.say(ann, ann, "let me in");
    until([this] { return strangers.size() == 1; });
    AgentToChannel answer;
    answer.mutable_pairing_code()->set_id(strangers[0].id());
    answer.mutable_pairing_code()->set_code("ABCD2345");
    answer.mutable_pairing_code()->set_created(true);
    send(answer);
    until([this] { return telegram.from_bot(ann).size() == 1; });
    EXPECT_THAT(telegram.from_bot(ann)[0].text, HasSubstr("Pairing code: ABCD2345"));
}

TEST_F(TelegramFaults, TooManyRequestsAreAnsweredByWaiting) {
    start();
    telegram.say(ann, ann, "hi");
    TelegramFault busy;
    busy.retry_after = 1;
    telegram.fail("sendMessage", busy);
    deliver("d1", ann, "first");
    deliver("d2", ann, "second");
    until([this] { return !reports("d1").empty() && !reports("d2").empty(); });
    for (const char* id : {"d1", "d2"}) {
        EXPECT_EQ(reports(id)[0].outcome(), DeliveryReport::LATER) << id;
        EXPECT_GE(reports(id)[0].retry_after_ms(), 1'000u) << id;
    }
    EXPECT_EQ(telegram.calls("sendMessage").size(), 1u) << "the second did not overtake it";
    const auto begun = std::chrono::steady_clock::now();
    deliver("d1", ann, "first");
    deliver("d2", ann, "second");
    until([this] { return settled("d1") && settled("d2"); });
    EXPECT_EQ(telegram.from_bot(ann).at(0).text, "first");
    EXPECT_EQ(telegram.from_bot(ann).at(1).text, "second");
    const auto calls = telegram.calls("sendMessage");
    EXPECT_GE(calls.at(1).at - calls.at(0).at, milliseconds(950));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
}

TEST_F(TelegramFaults, WhatMayHaveArrivedIsReportedLostAndNotRepeated) {
    start();
    telegram.say(ann, ann, "hi");
    for (const What what : {What::reset_after, What::half_answer}) {
        telegram.fail("sendMessage", {what});
        const std::string id = "d" + std::to_string(static_cast<int>(what));
        deliver(id, ann, id);
        until([&] { return settled(id).has_value(); });
        EXPECT_EQ(settled(id)->outcome(), DeliveryReport::LOST);
        EXPECT_EQ(shown(ann, id), 1u);
    }
    deliver("d9", ann, "the next one arrives");
    until([this] { return settled("d9").has_value(); });
    EXPECT_EQ(settled("d9")->outcome(), DeliveryReport::SENT);
    EXPECT_EQ(telegram.calls("sendMessage").size(), 3u);
}

TEST_F(TelegramFaults, WhatCannotHaveArrivedIsSentAgain) {
    start();
    is_polling();
    telegram.say(ann, ann, "hi");
    telegram.refuse_connections(true);
    telegram.cut_connections();
    deliver("d1", ann, "hello");
    until([this] { return !reports("d1").empty(); });
    EXPECT_EQ(reports("d1")[0].outcome(), DeliveryReport::LATER);
    telegram.refuse_connections(false);
    deliver_to_the_end("d1", ann, "hello");
    EXPECT_EQ(shown(ann, "hello"), 1u);
}

TEST_F(TelegramFaults, RefusalsAreFinalAndSayWhy) {
    start();
    deliver("d1", 777, "nobody there");
    until([this] { return settled("d1").has_value(); });
    EXPECT_EQ(settled("d1")->outcome(), DeliveryReport::REFUSED);
    EXPECT_THAT(settled("d1")->reason(), HasSubstr("has not started the bot"));
    telegram.say(ann, ann, "hi");
    telegram.block_bot(ann);
    deliver("d2", ann, "hello");
    until([this] { return settled("d2").has_value(); });
    EXPECT_THAT(settled("d2")->reason(), HasSubstr("bot was blocked by the user"));
}

TEST_F(TelegramFaults, HtmlThatTelegramDoesNotTakeIsSentAsItIs) {
    start();
    telegram.say(ann, ann, "hi");
    TelegramFault refusal;
    refusal.code = 400;
    refusal.description = "Bad Request: can't parse entities: Unsupported start tag \"x\"";
    telegram.fail("sendMessage", refusal);
    deliver("d1", ann, "**plain** then");
    until([this] { return settled("d1").has_value(); });
    EXPECT_EQ(settled("d1")->outcome(), DeliveryReport::SENT);
    EXPECT_EQ(shown(ann, "**plain** then"), 1u);
}

TEST_F(TelegramFaults, KilledBetweenReceivingAndAcceptanceItIsGivenEverythingAgain) {
    start();
    for (int i = 0; i < 5; ++i) telegram.say(ann, ann, "message " + std::to_string(i));
    until([this] { return offers.size() == 5; });
    accept(offers[0].key());
    accept(offers[2].key());
    kill_worker();
    EXPECT_GE(telegram.unconfirmed(), 3u);
    accept_everything();
    start();
    until([this] { return journal.size() == 5 && telegram.unconfirmed() == 0; });
    EXPECT_EQ(offers_of(offers[1].key()), 2u);
}

TEST_F(TelegramFaults, KilledAfterAcceptanceNothingIsTakenTwiceForAnother) {
    for (int round = 0; round < 5; ++round) {
        start();
        const std::string text = "round " + std::to_string(round);
        telegram.say(ann, ann, text);
        accept(inbound(text).key());
        kill_worker();
    }
    accept_everything();
    start();
    until([this] { return telegram.unconfirmed() == 0 && telegram.is_polled(); });
    EXPECT_EQ(journal.size(), 5u);
}

TEST_F(TelegramFaults, KilledBetweenSendingAndReportItIsLostAndNotRepeated) {
    start();
    telegram.say(ann, ann, "hi");
    telegram.fail("sendMessage", {What::no_answer});
    deliver("d1", ann, "only once");
    until([this] { return shown(ann, "only once") == 1; });
    kill_worker();
    start();
    deliver("d1", ann, "only once",
            [](DeliverMessage& reply) { reply.set_first_part_is_ambiguous(true); });
    until([this] { return settled("d1").has_value(); });
    EXPECT_EQ(settled("d1")->outcome(), DeliveryReport::LOST);
    EXPECT_EQ(shown(ann, "only once"), 1u);
}

TEST_F(TelegramFaults, SendsNothingThatTheAgentHasNotNoted) {
    notes_sending = false;
    start();
    telegram.say(ann, ann, "hi");
    deliver("d1", ann, "not yet");
    until([this] { return !all_reports.empty(); });
    EXPECT_TRUE(never([this] { return !telegram.from_bot(ann).empty(); }, milliseconds(300)));
}

TEST_F(TelegramFaults, AnAgentThatComesBackIsOfferedWhatItHadNotAccepted) {
    start();
    telegram.say(ann, ann, "hi");
    const std::string key = inbound("hi").key();
    start_agent();
    accept_everything();
    until([&] { return journal.contains(key); });
    until([this] { return telegram.unconfirmed() == 0; });
}

// Stopped for longer than its own heartbeat takes: time went on without it.
TEST_F(TelegramFaults, AsksAgainAtOnceAfterTheMachineStoodStill) {
    accept_everything();
    start();
    is_polling();
    const size_t before = telegram.calls("getUpdates").size();
    kill(pid, SIGSTOP);
    never([] { return false; }, milliseconds(5'300));
    kill(pid, SIGCONT);
    until([&] { return telegram.calls("getUpdates").size() > before; });
    telegram.say(ann, ann, "awake again");
    inbound("awake again");
    until([this] { return telegram.unconfirmed() == 0; });
}

TEST_F(TelegramFaults, AFloodIsAccountedForThroughKills) {
    constexpr int people = 50;
    constexpr int each = 20;
    accept_everything();
    start();
    for (int i = 0; i < each; ++i)
        for (int person = 1; person <= people; ++person)
            telegram.say(person, person, std::to_string(person) + ":" + std::to_string(i));
    for (const size_t moment : {150u, 400u, 700u}) {
        until([&] { return journal.size() >= moment; });
        kill_worker();
        start();
    }
    until([this] { return journal.size() == people * each && telegram.unconfirmed() == 0; });
    std::map<std::string, int> next;
    std::set<std::string> seen;
    for (const InboundMessage& offer : offers) {
        if (!seen.insert(offer.key()).second) continue;
        const std::string& chat = offer.place().chat_id();
        EXPECT_EQ(offer.text(), chat + ":" + std::to_string(next[chat]++)) << "out of order";
    }
    EXPECT_EQ(seen.size(), static_cast<size_t>(people * each));
}

TEST_F(TelegramFaults, AFloodOfAnswersIsAccountedForThroughFaults) {
    constexpr int count = 120;
    start();
    for (int chat = 1; chat <= count; ++chat) telegram.say(chat, chat, "hi");
    const auto text_of = [](int chat) { return "answer " + std::to_string(chat); };
    for (int i = 0; i < 8; ++i) {
        TelegramFault busy;
        busy.retry_after = 1;
        telegram.fail("sendMessage", busy);
        telegram.fail("sendMessage", {What::reset_after});
        telegram.fail("sendMessage", {What::status, 502});
        telegram.fail("sendMessage", {What::half_answer});
    }
    for (int chat = 1; chat <= count; ++chat)
        deliver("d" + std::to_string(chat), chat, text_of(chat));
    std::map<std::string, size_t> again;
    until([&] {
        bool all = true;
        for (int chat = 1; chat <= count; ++chat) {
            const std::string id = "d" + std::to_string(chat);
            if (settled(id)) continue;
            all = false;
            const auto made = reports(id);
            if (made.size() > again[id]) {
                again[id] = made.size();
                deliver(id, chat, text_of(chat));
            }
        }
        return all;
    });
    size_t lost = 0;
    for (int chat = 1; chat <= count; ++chat) {
        const auto outcome = settled("d" + std::to_string(chat))->outcome();
        EXPECT_EQ(shown(chat, text_of(chat)), 1u) << "chat " << chat;
        lost += outcome == DeliveryReport::LOST;
    }
    EXPECT_EQ(lost, 16u) << "those that arrived and could not be confirmed";
}

}  // namespace telegram
