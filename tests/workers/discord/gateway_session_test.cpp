#include "workers/discord/gateway_session.h"

#include <gmock/gmock.h>

#include <optional>

#include "workers/discord/close_codes.h"

namespace discord {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Timer = GatewayWire::Timer;

constexpr int64_t now = 1'800'000'000'000;
constexpr int64_t day = 24 * 3'600'000;

class FakeWire : public GatewayWire {
  public:
    void ask_for_gateway() override { ++asked; }
    void open(const std::string& url) override { opened.push_back(url); }
    void send(const std::string& payload) override { sent.push_back(*parse_json(payload)); }
    void close(int code) override { closes.push_back(code); }
    void cut() override { ++cuts; }
    void set_timer(Timer timer, milliseconds delay) override {
        timers[timer] = delay.count() ? std::optional(delay) : std::nullopt;
    }
    void clear_timers() override { timers.clear(); }
    void keep(const SessionRecord& record) override { kept.push_back(record); }
    void dispatch(const std::string& type, const Json&, uint64_t sequence) override {
        dispatched.emplace_back(type, sequence);
    }
    void is_up(bool is_new_session) override { ups.push_back(is_new_session); }
    void is_down(const std::string& why) override { downs.push_back(why); }
    void cannot_work(const Error& error) override { failure = error; }
    double random() override { return chance; }

    std::optional<milliseconds> timer(Timer which) const {
        const auto found = timers.find(which);
        return found == timers.end() ? std::nullopt : found->second;
    }

    int asked = 0;
    int cuts = 0;
    double chance = 0.5;
    std::vector<std::string> opened;
    std::vector<Json> sent;
    std::vector<int> closes;
    std::map<Timer, std::optional<milliseconds>> timers;
    std::vector<SessionRecord> kept;
    std::vector<std::pair<std::string, uint64_t>> dispatched;
    std::vector<bool> ups;
    std::vector<std::string> downs;
    std::optional<Error> failure;
};

class GatewaySessionTest : public testing::Test {
  protected:
    void make(SessionRecord record = {}) {
        session.emplace(wire, GatewaySession::Options{"token", "the test", 46593},
                        std::move(record));
    }
    static SessionRecord kept_session() {
        SessionRecord record;
        record.id = "abc";
        record.resume_url = "wss://resume.example";
        record.sequence = 42;
        record.bot_id = "1";
        return record;
    }
    void gateway() { session->gateway_is({"wss://gateway.example", 1000, 0}, now); }
    void hello() { session->received(R"({"op":10,"d":{"heartbeat_interval":41250}})", now); }
    void ready(int number = 1) {
        session->received(R"({"op":0,"t":"READY","s":)" + std::to_string(number) +
                              R"(,"d":{"session_id":"new","resume_gateway_url":"wss://r.example",)"
                              R"("user":{"id":"7"}}})",
                          now);
    }
    void become_ready() {
        make();
        session->start(now);
        gateway();
        session->opened();
        hello();
        ready();
    }
    int op(size_t index) { return static_cast<int>(int_member(wire.sent.at(index), "op")); }
    // From a lost connection to the next one that is open and greeted.
    void come_back() {
        session->timer(Timer::attempt, now);
        session->opened();
        hello();
    }

    FakeWire wire;
    std::optional<GatewaySession> session;
};

TEST_F(GatewaySessionTest, IdentifiesWhenThereIsNoSession) {
    make();
    session->start(now);
    EXPECT_EQ(wire.asked, 1);
    gateway();
    EXPECT_THAT(wire.opened, ElementsAre("wss://gateway.example/?v=10&encoding=json"));
    session->opened();
    EXPECT_EQ(wire.timer(Timer::opening), milliseconds(30'000));
    hello();
    EXPECT_EQ(wire.timer(Timer::heartbeat), milliseconds(20'626));  // the half, at random
    ASSERT_EQ(wire.sent.size(), 1u);
    EXPECT_EQ(op(0), 2);
    const Json& data = wire.sent[0]["d"];
    EXPECT_EQ(data["token"], "token");
    EXPECT_EQ(data["intents"], 46593);
    EXPECT_FALSE(data.contains("compress"));
    ASSERT_FALSE(wire.kept.empty());  // before it was sent
    EXPECT_EQ(wire.kept.back().identifies.in_a_day(now), 1u);
    ready();
    EXPECT_THAT(wire.ups, ElementsAre(true));
    EXPECT_EQ(wire.timer(Timer::opening), std::nullopt);
    EXPECT_EQ(wire.kept.back().id, "new");
    EXPECT_EQ(wire.kept.back().resume_url, "wss://r.example");
    EXPECT_EQ(wire.kept.back().bot_id, "7");
    EXPECT_EQ(wire.dispatched.at(0).first, "READY");
}

TEST_F(GatewaySessionTest, TakesAddressesHoweverTheyAreWritten) {
    struct {
        const char* told;
        const char* opened;
    } const rows[] = {
        {"wss://g.example", "wss://g.example/?v=10&encoding=json"},
        {"wss://g.example/", "wss://g.example/?v=10&encoding=json"},
        {"wss://g.example:8443", "wss://g.example:8443/?v=10&encoding=json"},
        {"wss://g.example/ws", "wss://g.example/ws?v=10&encoding=json"},
        {"wss://g.example/?shard=0", "wss://g.example/?shard=0&v=10&encoding=json"},
    };
    for (const auto& row : rows) {
        wire.opened.clear();
        make();
        session->start(now);
        session->gateway_is({row.told, 1000, 0}, now);
        EXPECT_THAT(wire.opened, ElementsAre(row.opened));
    }
}

TEST(GatewayInfoTest, IsAsUsualWhereNothingIsSaid) {
    for (const char* text : {"null", "{}", R"({"url":null,"session_start_limit":7})"}) {
        const GatewayInfo info = gateway_info_of(*parse_json(text));
        EXPECT_EQ(info.url, "wss://gateway.discord.gg");
        EXPECT_EQ(info.remaining, 1000u);
    }
    const GatewayInfo told = gateway_info_of(
        *parse_json(R"({"url":"wss://g","session_start_limit":{"remaining":3,"reset_after":5}})"));
    EXPECT_EQ(told.url, "wss://g");
    EXPECT_EQ(told.remaining, 3u);
    EXPECT_EQ(told.reset_after_ms, 5);
}

TEST_F(GatewaySessionTest, DoesWithAReadyThatSaysLittle) {
    SessionRecord record;
    record.bot_id = "7";
    make(record);
    session->start(now);
    gateway();
    session->opened();
    session->received(R"({"op":10})", now);
    session->received(R"({"op":0,"t":"READY","s":1,"d":{"session_id":"new"}})", now);
    EXPECT_THAT(wire.ups, ElementsAre(true));
    EXPECT_EQ(wire.kept.back().id, "new");
    EXPECT_EQ(wire.kept.back().bot_id, "7");
    EXPECT_EQ(wire.kept.back().resume_url, "wss://gateway.example");
    session->received(R"({"op":99,"d":{"x":1}})", now);
    session->received(R"({"op":0,"t":"SOMETHING_NEW","s":2,"d":null})", now);
    EXPECT_EQ(wire.dispatched.back().first, "SOMETHING_NEW");
    EXPECT_TRUE(wire.downs.empty());
}

TEST_F(GatewaySessionTest, ResumesTheSessionThatWasKept) {
    make(kept_session());
    session->start(now);
    EXPECT_EQ(wire.asked, 0);
    EXPECT_THAT(wire.opened, ElementsAre("wss://resume.example/?v=10&encoding=json"));
    session->opened();
    hello();
    ASSERT_EQ(wire.sent.size(), 1u);
    EXPECT_EQ(op(0), 6);
    EXPECT_EQ(wire.sent[0]["d"]["session_id"], "abc");
    EXPECT_EQ(wire.sent[0]["d"]["seq"], 42);
    session->received(R"({"op":0,"t":"MESSAGE_CREATE","s":43,"d":{}})", now);
    session->received(R"({"op":0,"t":"RESUMED","s":44,"d":{}})", now);
    EXPECT_THAT(wire.ups, ElementsAre(false));
    EXPECT_THAT(wire.dispatched,
                ElementsAre(testing::Pair("MESSAGE_CREATE", 43u), testing::Pair("RESUMED", 44u)));
}

TEST_F(GatewaySessionTest, GivesAConnectionUpThatAnswersNoHeartbeat) {
    become_ready();
    session->timer(Timer::heartbeat, now);
    EXPECT_EQ(op(1), 1);
    EXPECT_EQ(wire.sent[1]["d"], 1);
    EXPECT_EQ(wire.timer(Timer::heartbeat), milliseconds(41'250));
    session->received(R"({"op":11})", now);
    session->timer(Timer::heartbeat, now);
    EXPECT_EQ(wire.cuts, 0);
    session->timer(Timer::heartbeat, now);  // nobody has answered
    EXPECT_EQ(wire.cuts, 1);
    come_back();
    EXPECT_EQ(int_member(wire.sent.back(), "op"), 6);
}

TEST_F(GatewaySessionTest, BeatsAtOnceWhenAsked) {
    become_ready();
    session->received(R"({"op":1,"d":null})", now);
    EXPECT_EQ(op(1), 1);
}

TEST_F(GatewaySessionTest, ReconnectsWithoutAGreeting) {
    make();
    session->start(now);
    gateway();
    session->opened();
    session->timer(Timer::opening, now);
    EXPECT_EQ(wire.cuts, 1);
    EXPECT_NE(wire.timer(Timer::attempt), std::nullopt);
}

TEST_F(GatewaySessionTest, ReconnectsWithoutReady) {
    make();
    session->start(now);
    gateway();
    session->opened();
    hello();
    EXPECT_EQ(wire.timer(Timer::opening), milliseconds(60'000));
    session->timer(Timer::opening, now);
    EXPECT_EQ(wire.cuts, 1);
}

TEST_F(GatewaySessionTest, ResumesWhenAskedToReconnect) {
    become_ready();
    session->received(R"({"op":7,"d":null})", now);
    EXPECT_THAT(wire.closes, ElementsAre(4900));  // neither 1000 nor 1001, which end the session
    come_back();
    EXPECT_EQ(int_member(wire.sent.back(), "op"), 6);
    EXPECT_EQ(wire.opened.back(), "wss://r.example/?v=10&encoding=json");
}

TEST_F(GatewaySessionTest, ResumesThreeTimesAndThenBeginsAnew) {
    become_ready();
    for (int i = 0; i < 3; ++i) {
        session->closed(1006, "lost", true, now);
        come_back();
        EXPECT_EQ(int_member(wire.sent.back(), "op"), 6) << i;
    }
    session->closed(1006, "lost", true, now);
    session->timer(Timer::attempt, now);
    EXPECT_EQ(wire.asked, 2);
    session->gateway_is({"wss://gateway.example", 1000, 0}, now + 60'000);
    session->opened();
    hello();
    EXPECT_EQ(int_member(wire.sent.back(), "op"), 2);
    EXPECT_EQ(session->sequences().last(), 0u);
}

TEST_F(GatewaySessionTest, CountsAResumeThatIsNeverGreeted) {
    become_ready();
    session->closed(1006, "lost", true, now);
    for (int i = 0; i < 3; ++i) {
        session->timer(Timer::attempt, now);
        session->opened();
        session->timer(Timer::opening, now);  // no HELLO
    }
    session->timer(Timer::attempt, now);
    EXPECT_EQ(wire.asked, 2);
    EXPECT_EQ(session->record().id, "");
}

TEST_F(GatewaySessionTest, CountsResumesAnewAfterASuccess) {
    become_ready();
    for (int i = 0; i < 8; ++i) {
        session->closed(1006, "lost", true, now);
        come_back();
        EXPECT_EQ(int_member(wire.sent.back(), "op"), 6) << i;
        session->received(R"({"op":0,"t":"RESUMED","s":9,"d":{}})", now);
    }
}

TEST_F(GatewaySessionTest, KeepsTheSessionWhileTheNetworkIsGone) {
    become_ready();
    session->closed(1006, "lost", true, now);
    for (int i = 0; i < 3; ++i) {
        session->timer(Timer::attempt, now);
        session->closed(1006, "no connection to r.example", false, now);
    }
    for (int i = 0; i < 20; ++i) {
        session->timer(Timer::attempt, now);
        session->gateway_unknown({Fault::unreachable, "no connection"}, now);
    }
    EXPECT_EQ(session->record().id, "new");
    // Discord is there again, but the host of the session is not: it goes on at another.
    session->timer(Timer::attempt, now);
    session->gateway_is({"wss://gateway.example", 1000, 0}, now + 60'000);
    EXPECT_EQ(wire.opened.back(), "wss://gateway.example/?v=10&encoding=json");
    session->opened();
    hello();
    EXPECT_EQ(int_member(wire.sent.back(), "op"), 6);
    EXPECT_EQ(session->record().id, "new");
    // Unless Discord has forgotten it.
    session->received(R"({"op":9,"d":false})", now + 60'000);
    EXPECT_EQ(session->record().id, "");
}

TEST_F(GatewaySessionTest, WaitsLongerEachTimeUntilReady) {
    wire.chance = 1;
    make();
    session->start(now);
    std::vector<int64_t> waits;
    for (int i = 0; i < 7; ++i) {
        session->gateway_unknown({Fault::unreachable, "no connection"}, now);
        waits.push_back(wire.timer(Timer::attempt)->count());
        session->timer(Timer::attempt, now);
    }
    EXPECT_THAT(waits, ElementsAre(1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000));
}

TEST_F(GatewaySessionTest, BeginsAnewWhenTheSessionIsInvalid) {
    become_ready();
    session->received(R"({"op":9,"d":false})", now);
    EXPECT_EQ(session->record().id, "");
    EXPECT_EQ(session->reconnects(), 1u);
    EXPECT_EQ(wire.timer(Timer::attempt), milliseconds(3'000));  // between one and five seconds
    session->timer(Timer::attempt, now);
    EXPECT_EQ(wire.asked, 2);
}

TEST_F(GatewaySessionTest, ResumesAnInvalidSessionThatMayBe) {
    become_ready();
    session->received(R"({"op":9,"d":true})", now);
    come_back();
    EXPECT_EQ(int_member(wire.sent.back(), "op"), 6);
}

TEST_F(GatewaySessionTest, DoesWithEachCloseCodeWhatItAsksFor) {
    for (const CloseCode& row : close_codes) {
        wire = {};
        become_ready();
        session->closed(row.code, "closed", true, now);
        switch (row.then) {
            case AfterClose::resume:
                EXPECT_EQ(session->record().id, "new") << row.code;
                EXPECT_FALSE(wire.failure) << row.code;
                break;
            case AfterClose::identify:
                EXPECT_EQ(session->record().id, "") << row.code;
                EXPECT_NE(wire.timer(Timer::attempt), std::nullopt) << row.code;
                break;
            default:
                ASSERT_TRUE(wire.failure) << row.code;
                EXPECT_THAT(wire.failure->what,
                            HasSubstr("Fatal Gateway error: " + std::to_string(row.code)));
                EXPECT_EQ(wire.timer(Timer::attempt), std::nullopt) << row.code;
        }
    }
}

TEST_F(GatewaySessionTest, NamesTheVariableOfARefusedToken) {
    become_ready();
    session->closed(4004, "", true, now);
    EXPECT_EQ(wire.failure->fault, Fault::bad_credentials);
    EXPECT_THAT(wire.failure->what, HasSubstr("the test"));
    EXPECT_EQ(wire.kept.back().id, "");
    session->timer(Timer::attempt, now);
    EXPECT_EQ(wire.asked, 1);  // never again
}

TEST_F(GatewaySessionTest, NamesTheIntentThatIsNotAllowed) {
    become_ready();
    session->closed(4014, "", true, now);
    EXPECT_EQ(wire.failure->fault, Fault::bad_config);
    EXPECT_THAT(wire.failure->what, HasSubstr("enable Message Content Intent"));
}

TEST_F(GatewaySessionTest, LeavesTheLastSessionsOfTheDayAlone) {
    make();
    session->start(now);
    session->gateway_is({"wss://gateway.example", 9, 7'200'000}, now);
    EXPECT_THAT(wire.opened, IsEmpty());
    EXPECT_EQ(wire.timer(Timer::attempt), milliseconds(7'200'000));
    EXPECT_THAT(wire.downs.back(), HasSubstr("only 9 new sessions are left today"));
}

TEST_F(GatewaySessionTest, BeginsNoTwoSessionsWithinFiveSeconds) {
    SessionRecord record;
    record.identifies.add(now - 2'000);
    make(record);
    session->start(now);
    gateway();
    EXPECT_THAT(wire.opened, IsEmpty());
    EXPECT_EQ(wire.timer(Timer::attempt), milliseconds(3'000));
}

// What a worker does that dies of every READY, for a week.
TEST(IdentifyLog, NeverUsesUpADaysBudget) {
    IdentifyLog log;
    std::vector<int64_t> all;
    for (int64_t time = now; time < now + 7 * day;) {
        const int64_t next = std::max(time, log.next_allowed_ms(time));
        log.add(next);
        all.push_back(next);
        time = next + 1;
    }
    for (size_t i = 0; i + 990 < all.size(); ++i)
        ASSERT_GT(all[i + 990] - all[i], day) << "990 in a day, from the " << i << "th on";
    EXPECT_LT(log.hours().size(), 30u);
}

TEST(IdentifyLog, IsNotHeldBackByAClockThatWasSetBack) {
    IdentifyLog log;
    log.add(now + 30 * day);
    EXPECT_LE(log.next_allowed_ms(now), now + 5'000);
}

TEST_F(GatewaySessionTest, CountsOnlyWhatTheAgentHas) {
    become_ready();
    session->received(R"({"op":0,"t":"MESSAGE_CREATE","s":5,"d":{}})", now);
    session->sequences().begin(5);
    session->received(R"({"op":0,"t":"MESSAGE_CREATE","s":6,"d":{}})", now);
    session->sequences().begin(6);
    session->received(R"({"op":0,"t":"TYPING_START","s":7,"d":{}})", now);
    EXPECT_EQ(session->record().sequence, 4u);
    session->sequences().finish(6);
    EXPECT_EQ(session->record().sequence, 4u);
    session->sequences().finish(5);
    EXPECT_EQ(session->record().sequence, 7u);
    EXPECT_EQ(session->sequences().last(), 7u);
}

// Nothing that Discord sends is without one; a number below all others must not become the largest.
TEST(SequenceLedger, TakesAMessageWithoutANumber) {
    SequenceLedger ledger(7);
    const auto ticket = ledger.begin(0);
    EXPECT_EQ(ledger.safe(), 0u);
    ledger.finish(ticket);
    EXPECT_EQ(ledger.safe(), 7u);
}

TEST_F(GatewaySessionTest, RestsUntilTheAgentTakesMore) {
    become_ready();
    session->received(R"({"op":0,"t":"MESSAGE_CREATE","s":5,"d":{}})", now);
    session->sequences().begin(5);
    session->pause();
    EXPECT_THAT(wire.closes, ElementsAre(4900));
    session->received(R"({"op":0,"t":"MESSAGE_CREATE","s":6,"d":{}})", now);
    EXPECT_EQ(wire.dispatched.size(), 2u);
    session->go_on(now);
    session->opened();
    hello();
    EXPECT_EQ(wire.sent.back()["d"]["seq"], 4);  // what the agent has not got comes again
}

TEST_F(GatewaySessionTest, ResumesAtOnceWhenTheMachineStoodStill) {
    become_ready();
    session->machine_slept(now);
    EXPECT_EQ(wire.cuts, 1);  // a close would wait for an answer
    EXPECT_THAT(wire.closes, IsEmpty());
    EXPECT_EQ(wire.opened.back(), "wss://r.example/?v=10&encoding=json");
    EXPECT_EQ(wire.timer(Timer::heartbeat), std::nullopt);
    session->opened();
    hello();
    EXPECT_EQ(int_member(wire.sent.back(), "op"), 6);
    // Nor does it wait any longer for what it waited for.
    session->closed(1006, "lost", true, now);
    const size_t before = wire.opened.size();
    session->machine_slept(now);
    EXPECT_EQ(wire.opened.size(), before + 1);
    EXPECT_EQ(wire.timer(Timer::attempt), std::nullopt);
}

TEST_F(GatewaySessionTest, StaysAsItIsWhenTheMachineStoodStillAndNothingIsOpen) {
    become_ready();
    session->pause();
    session->machine_slept(now);
    EXPECT_EQ(wire.opened.size(), 1u);
    session->stop();
    session->machine_slept(now);
    EXPECT_EQ(wire.opened.size(), 1u);
    EXPECT_EQ(wire.cuts, 0);
}

TEST_F(GatewaySessionTest, StopsWithASessionThatCanBeResumed) {
    become_ready();
    session->stop();
    EXPECT_THAT(wire.closes, ElementsAre(4900));
    EXPECT_EQ(wire.kept.back().id, "new");
    EXPECT_EQ(wire.kept.back().sequence, 1u);
    EXPECT_TRUE(wire.timers.empty());
}

TEST_F(GatewaySessionTest, DropsWhatItCannotRead) {
    become_ready();
    const size_t before = wire.dispatched.size();
    for (const char* text : {"", "[]", "{", "null", R"({"op":"x"})", R"({"op":0})",
                             R"({"op":0,"t":7,"s":"x","d":3})", R"({"op":10,"d":[]})"})
        session->received(text, now);
    session->received(std::string(200, '[') + std::string(200, ']'), now);
    EXPECT_TRUE(session->is_up());
    EXPECT_LE(wire.dispatched.size(), before + 2);
}

TEST(SessionRecord, IsTheSameWhenReadAgain) {
    SessionRecord record;
    record.id = "abc";
    record.resume_url = "wss://r";
    record.sequence = 12345678901;
    record.bot_id = "7";
    record.commands_digest = "d";
    record.identifies.add(now);
    const SessionRecord read = parse_record(print_record(record));
    EXPECT_EQ(print_record(read), print_record(record));
    EXPECT_EQ(read.sequence, 12345678901u);
    for (const char* text : {"", "{}", "nonsense", R"({"version":2,"sessionId":"x"})",
                             R"({"version":1,"sessionId":"x"})"})
        EXPECT_EQ(parse_record(text).id, "") << text;
}

}  // namespace
}  // namespace discord
