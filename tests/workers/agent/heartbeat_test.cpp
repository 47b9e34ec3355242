// Heartbeats: whether one is due, and what becomes of its answer.

#include "workers/agent/heartbeats.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::HasSubstr;

constexpr int64_t minute = 60'000;

HeartbeatSettings settings_in(const Json& config, const std::string& agent = "main") {
    return heartbeat_settings(AgentConfig(config), agent);
}

// Everybody is on telegram.
struct Messenger final : Deliverer {
    Result<DeliveryWish> resolve(DeliveryWish wish) override {
        wish.channel = "telegram";
        return wish;
    }
    Done deliver(const DeliveryWish&, const std::string& text, const std::string&,
                 std::function<void(const DeliveryOutcome&)>) override {
        texts.push_back(text);
        return {};
    }
    std::vector<std::string> texts;
};

class Heart : public testing::Test {
  protected:
    Heart() {
        setenv("TZ", "UTC", 1);
        tzset();
        write_text(directory / "ws/HEARTBEAT.md", "# Tasks\n- look at the door\n");
        begin_life();
    }
    void begin_life() {
        life.reset();
        life = std::make_unique<Life>(
            directory.path(), loop,
            Json{{"agents",
                  {{"defaults", {{"workspace", directory / "ws"}, {"heartbeat", heartbeat}}}}}});
        ASSERT_TRUE(life->runs->recover());
        ASSERT_TRUE(life->heartbeats->start());
        loop.settle();
    }
    // From here on what is said is delivered; `life->methods` may not be asked of heartbeats.
    void deliver_by(Messenger& messenger) {
        life->heartbeats = std::make_unique<Heartbeats>(Heartbeats::Services{
            loop, *life->store, *life->runs, life->models, life->events, life->config,
            life->system_events, life->zones, [this] { return loop.now_ms; }, &messenger});
        ASSERT_TRUE(life->heartbeats->start());
        ASSERT_TRUE(life->heartbeats->recover());
        loop.settle();
    }
    size_t calls() { return life->models.calls.size(); }
    void answer(const std::string& text) {
        life->models.last().finish(text);
        loop.settle();
    }
    Json last() { return life->ask("last-heartbeat", Json::object()); }
    size_t chats() {
        size_t count = 0;
        for (const Recorder::Seen& seen : life->events.seen) count += seen.name == "chat";
        return count;
    }

    TemporaryDirectory directory;
    ManualLoop loop;
    Json heartbeat = Json::object();
    std::unique_ptr<Life> life;
};

}  // namespace

TEST(HeartbeatSettings, ComeFromTheDefaultsAndTheAgent) {
    EXPECT_EQ(settings_in(Json::object()).every_ms, 30 * minute);
    EXPECT_TRUE(settings_in(Json::object()).is_periodic());
    const Json config{{"agents",
                       {{"defaults", {{"heartbeat", {{"every", "1h"}, {"ackMaxChars", 10}}}}},
                        {"list",
                         {{{"id", "main"}},
                          {{"id", "ops"}, {"heartbeat", {{"every", "5m"}, {"prompt", "go"}}}}}}}}};
    EXPECT_FALSE(settings_in(config, "main").on) << "only those that have one of their own";
    EXPECT_EQ(settings_in(config, "ops").every_ms, 5 * minute);
    EXPECT_EQ(settings_in(config, "ops").most_ack_chars, 10);
    EXPECT_EQ(settings_in(config, "ops").prompt, "go");
    EXPECT_FALSE(settings_in({{"agents", {{"defaults", {{"heartbeat", {{"every", "0m"}}}}}}}})
                     .is_periodic());
    EXPECT_EQ(duration_in("90"), 90 * minute);
    EXPECT_EQ(duration_in("1.5h"), 90 * minute);
    EXPECT_EQ(duration_in("45s"), 45'000);
    EXPECT_EQ(duration_in("250 ms"), 250);
    EXPECT_EQ(duration_in("soon"), std::nullopt);
    EXPECT_EQ(duration_in("5 weeks"), std::nullopt);
}

TEST(HeartbeatDecision, NamesWhyNone) {
    const HeartbeatSettings settings = settings_in(
        {{"agents",
          {{"defaults",
            {{"heartbeat", {{"activeHours", {{"start", "22:00"}, {"end", "06:30"}}}}}}}}}});
    BeatFacts facts;
    facts.minute_of_day = 23 * 60;
    facts.has_tasks = true;
    EXPECT_EQ(reason_to_skip(settings, facts), "");
    facts.is_busy = true;
    EXPECT_EQ(reason_to_skip(settings, facts), "requests-in-flight");
    facts.has_tasks = false;
    EXPECT_EQ(reason_to_skip(settings, facts), "empty-heartbeat-file");
    facts.has_model = false;
    EXPECT_EQ(reason_to_skip(settings, facts), "no-model");
    facts.minute_of_day = 6 * 60 + 30;
    EXPECT_EQ(reason_to_skip(settings, facts), "quiet-hours");
    facts.turned_on = false;
    EXPECT_EQ(reason_to_skip(settings, facts), "disabled");
}

TEST(HeartbeatDecision, SeesTasksOnlyWhereThereAreSome) {
    EXPECT_FALSE(has_tasks(""));
    EXPECT_FALSE(has_tasks("# HEARTBEAT\n\n## Tasks\n- [ ]\n-\n"));
    EXPECT_FALSE(has_tasks("<!-- write\ntasks here -->\n"));
    EXPECT_TRUE(has_tasks("# Tasks\n- look"));
    EXPECT_TRUE(has_tasks("look at the door"));
}

TEST(HeartbeatDecision, JudgesTheAnswer) {
    const HeartbeatSettings settings = settings_in(Json::object());
    const auto judge = [&](const std::string& text, const Json& entry = Json::object()) {
        return judge_answer(text, settings, entry, 1'000'000);
    };
    EXPECT_EQ(judge("HEARTBEAT_OK"), Beat::all_well);
    EXPECT_EQ(judge("**HEARTBEAT_OK**."), Beat::all_well);
    EXPECT_EQ(judge("HEARTBEAT_OK all is quiet"), Beat::all_well);
    EXPECT_EQ(judge("All is quiet. HEARTBEAT_OK"), Beat::all_well);
    EXPECT_EQ(judge("HEARTBEAT_OK " + std::string(301, 'x')), Beat::said);
    EXPECT_EQ(judge("I did not say HEARTBEAT_OK today, since the door is open"), Beat::said);
    EXPECT_EQ(judge(" "), Beat::nothing_said);
    EXPECT_EQ(judge("NO_REPLY"), Beat::nothing_said);
    EXPECT_EQ(judge("door open", {{"lastHeartbeatText", "door open"}, {"lastHeartbeatSentAt", 5}}),
              Beat::repeated);
    EXPECT_EQ(judge("door open", {{"lastHeartbeatText", "door open"},
                                  {"lastHeartbeatSentAt", 1'000'000 - 86'400'000}}),
              Beat::said);
}

TEST_F(Heart, BeatsOnceInEachIntervalAndNotAtAStart) {
    EXPECT_EQ(calls(), 0u);
    loop.advance(29 * minute);
    begin_life();
    EXPECT_EQ(calls(), 0u);
    loop.advance(minute);
    ASSERT_EQ(calls(), 1u) << "the interval goes on over a restart";
    answer("HEARTBEAT_OK");
    for (int i = 0; i < 5; ++i) begin_life();
    EXPECT_EQ(calls(), 0u);
    loop.advance(30 * minute);
    EXPECT_EQ(calls(), 1u);
}

TEST_F(Heart, LeavesNoTraceWhenAllIsWell) {
    life->send("main", "hello", "r1");
    answer("hi");
    const Json before = life->ask("sessions.list", Json::object())["sessions"][0]["updatedAt"];
    const size_t chats_before = chats();
    loop.advance(30 * minute);
    ASSERT_EQ(calls(), 2u);
    EXPECT_EQ(life->models.last().request.messages.size(), 3u) << "it knows the conversation";
    answer("HEARTBEAT_OK");
    EXPECT_EQ(life->history("main").size(), 2u);
    EXPECT_EQ(chats(), chats_before);
    EXPECT_EQ(life->ask("sessions.list", Json::object())["sessions"][0]["updatedAt"], before);
    EXPECT_EQ(last()["status"], "ok-token");
    EXPECT_EQ(last()["indicatorType"], "ok");
}

TEST_F(Heart, TellsWhatIsWorthTellingOnceADay) {
    loop.advance(30 * minute);
    answer("The door is open.");
    ASSERT_EQ(life->history("main").size(), 2u) << "its session begins with it";
    EXPECT_EQ(message_text(life->history("main")[1]), "The door is open.");
    EXPECT_EQ(life->events.last("chat final")->session_key, "agent:main:main");
    EXPECT_EQ(last()["status"], "sent");
    EXPECT_EQ(last()["preview"], "The door is open.");
    loop.advance(30 * minute);
    answer("The door is open.");
    EXPECT_EQ(life->history("main").size(), 2u);
    EXPECT_EQ(last()["status"], "skipped");
    begin_life();
    EXPECT_EQ(last()["preview"], "The door is open.") << "known to the next life";
}

TEST_F(Heart, TakesEventsAlongAndKeepsThemInTheConversation) {
    life->ask("wake", {{"mode", "next-heartbeat"}, {"text", "the mail came"}});
    loop.advance(30 * minute);
    EXPECT_THAT(message_text(life->models.last().request.messages.back()),
                HasSubstr("the mail came"));
    begin_life();  // killed in the middle
    ASSERT_EQ(calls(), 1u);
    answer("HEARTBEAT_OK");
    EXPECT_EQ(life->history("main").size(), 2u);
    EXPECT_THAT(message_text(life->history("main")[0]), HasSubstr("the mail came"));
    EXPECT_TRUE(life->system_events.waiting({"main", "agent:main:main"}).empty());
}

TEST_F(Heart, IsTurnedOnAndOffForGood) {
    EXPECT_EQ(life->ask("set-heartbeats", {{"enabled", false}}),
              (Json{{"ok", true}, {"enabled", false}}));
    loop.advance(120 * minute);
    EXPECT_EQ(calls(), 0u);
    begin_life();
    loop.advance(120 * minute);
    EXPECT_EQ(calls(), 0u);
    EXPECT_FALSE(bool_member(life->heartbeats->summary("main"), "enabled", true));
    life->ask("set-heartbeats", {{"enabled", true}});
    loop.advance(30 * minute);
    EXPECT_EQ(calls(), 1u);
}

TEST_F(Heart, WaitsForABusySession) {
    loop.advance(30 * minute - 1000);
    life->send("main", "hello", "r1");
    loop.advance(5000);
    EXPECT_EQ(calls(), 1u);
    answer("hi");
    loop.advance(10'000);
    EXPECT_EQ(calls(), 2u);
}

TEST_F(Heart, SkipsWhenNothingIsToBeDone) {
    write_text(directory / "ws/HEARTBEAT.md", "# Tasks\n");
    loop.advance(90 * minute);
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(last()["status"], "skipped");
    EXPECT_EQ(last()["reason"], "empty-heartbeat-file");
}

TEST_F(Heart, DeliversWhatAnEarlierLifeDidNotGetTo) {
    Messenger messenger;
    deliver_by(messenger);
    loop.advance(30 * minute);
    ASSERT_EQ(calls(), 1u);
    life->models.last().finish("The door is open.");  // killed before the end is recorded
    begin_life();
    EXPECT_EQ(calls(), 0u);
    deliver_by(messenger);
    EXPECT_EQ(messenger.texts, std::vector<std::string>{"The door is open."});
    EXPECT_TRUE(life->store->notes_under("beat/")->empty());
    begin_life();
    deliver_by(messenger);
    EXPECT_EQ(messenger.texts.size(), 1u) << "once";
    loop.advance(30 * minute);
    answer("HEARTBEAT_OK");
    EXPECT_EQ(messenger.texts.size(), 1u);
    EXPECT_TRUE(life->store->notes_under("beat/")->empty());
    loop.advance(30 * minute);
    answer("The door is shut.");
    EXPECT_EQ(messenger.texts.size(), 2u);
}

TEST_F(Heart, LeavesNoTraceOfAModelThatFails) {
    loop.advance(30 * minute);
    life->models.last().fail("no model");
    loop.settle();
    EXPECT_TRUE(life->history("main").empty());
    EXPECT_EQ(last()["status"], "failed");
    EXPECT_EQ(last()["reason"], "no model");
}

TEST_F(Heart, BeatsOnceAfterAClockThatJumped) {
    loop.now_ms += int64_t{400} * 24 * 60 * minute;
    loop.advance(minute);
    EXPECT_EQ(calls(), 1u);
    answer("HEARTBEAT_OK");
    loop.now_ms -= int64_t{400} * 24 * 60 * minute;
    begin_life();
    loop.advance(29 * minute);
    EXPECT_EQ(calls(), 0u);
    loop.advance(minute);
    EXPECT_EQ(calls(), 1u);
}

}  // namespace agent
