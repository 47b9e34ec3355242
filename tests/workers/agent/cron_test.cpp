// The scheduler over several lives of the agent, with a clock that the test moves.

#include "workers/agent/cron/cron.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/agent/transcript.h"

namespace agent {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int64_t minute = 60'000;

class Jobs : public testing::Test {
  protected:
    Jobs() {
        setenv("TZ", "UTC", 1);
        tzset();
        begin_life();
    }
    void begin_life() {
        life.reset();  // whatever it was doing
        life = std::make_unique<Life>(directory.path(), loop, config);
        ASSERT_TRUE(life->runs->recover());
        ASSERT_TRUE(life->heartbeats->start());
        life->cron->start();
        loop.settle();
    }
    std::string add(const Json& job) {
        const Json added = life->ask("cron.add", job);
        EXPECT_TRUE(added.contains("id")) << print_json(added);
        loop.settle();
        return text_member(added, "id");
    }
    Json turn_every(int64_t every_ms) {
        return {{"name", "news"},
                {"schedule", {{"kind", "every"}, {"everyMs", every_ms}}},
                {"payload", {{"message", "what is new?"}}}};
    }
    Json job(const std::string& id) {
        const Json list = life->ask("cron.list", {{"includeDisabled", true}});
        for (const Json& one : member(list, "jobs"))
            if (text_view(one, "id") == id) return one;
        return nullptr;
    }
    Json state(const std::string& id) { return member(job(id), "state"); }
    Json runs(const std::string& id) { return life->ask("cron.runs", {{"id", id}})["entries"]; }
    size_t calls() { return life->models.calls.size(); }
    void answer(const std::string& text) {
        life->models.last().finish(text);
        loop.settle();
    }
    std::string asked() { return message_text(life->models.last().request.messages.back()); }
    std::vector<std::string> actions() {
        std::vector<std::string> all;
        for (const Recorder::Seen& seen : life->events.seen)
            if (seen.name == "cron") all.push_back(text_member(seen.payload, "action"));
        return all;
    }
    std::vector<std::string> waiting() { return life->system_events.waiting(main); }

    const SessionKey main{"main", "agent:main:main"};
    TemporaryDirectory directory;
    ManualLoop loop;
    // Heartbeats would take up what jobs post.
    Json config{{"agents", {{"defaults", {{"heartbeat", {{"every", "0m"}}}}}}}};
    std::unique_ptr<Life> life;
};

}  // namespace

TEST_F(Jobs, RunInASessionOfTheirOwnAndPostToTheMainOne) {
    const std::string id = add(turn_every(minute));
    EXPECT_EQ(state(id)["nextRunAtMs"], loop.now_ms + minute);
    loop.advance(minute - 1);
    EXPECT_EQ(calls(), 0u);
    loop.advance(1);
    ASSERT_EQ(calls(), 1u);
    EXPECT_EQ(asked(), "[cron:" + id + " news] what is new?");
    EXPECT_EQ(state(id)["runningAtMs"], loop.now_ms);
    loop.advance(2000);
    answer("The sun is out.");
    const Json after = state(id);
    EXPECT_FALSE(after.contains("runningAtMs"));
    EXPECT_EQ(after["lastStatus"], "ok");
    EXPECT_EQ(after["lastDurationMs"], 2000);
    EXPECT_EQ(after["nextRunAtMs"], loop.now_ms - 2000 + minute);
    EXPECT_THAT(waiting(), ElementsAre("Cron: The sun is out."));
    EXPECT_THAT(actions(), ElementsAre("added", "started", "finished"));
    const Json history = life->history("agent:main:cron:" + id);
    ASSERT_EQ(history.size(), 2u);
    EXPECT_EQ(message_text(history[1]), "The sun is out.");
    ASSERT_EQ(runs(id).size(), 1u);
    EXPECT_EQ(runs(id)[0]["summary"], "The sun is out.");
    EXPECT_EQ(runs(id)[0]["status"], "ok");
    loop.advance(minute);
    ASSERT_EQ(calls(), 2u);
    EXPECT_EQ(life->models.last().request.messages.size(), 1u) << "each run begins afresh";
}

TEST_F(Jobs, MissedWhileNothingRanRunOnce) {
    const std::string id = add(turn_every(minute));
    life.reset();
    loop.now_ms += 100 * minute + 7;
    begin_life();
    ASSERT_EQ(calls(), 1u);
    answer("late");
    EXPECT_EQ(calls(), 1u);
    EXPECT_EQ(runs(id).size(), 1u);
    loop.advance(minute);
    EXPECT_EQ(calls(), 2u);
}

TEST_F(Jobs, BegunByALifeThatEndedGoOnInTheNextAndRunOnce) {
    const std::string id = add(turn_every(60 * minute));
    loop.advance(60 * minute);
    ASSERT_EQ(calls(), 1u);
    begin_life();
    ASSERT_EQ(calls(), 1u) << "the journal begins it again";
    EXPECT_EQ(asked(), "[cron:" + id + " news] what is new?");
    EXPECT_EQ(state(id)["runningAtMs"], loop.now_ms);
    answer("done at last");
    EXPECT_EQ(runs(id).size(), 1u);
    EXPECT_THAT(waiting(), ElementsAre("Cron: done at last"));
    begin_life();
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(runs(id).size(), 1u);
    EXPECT_THAT(waiting(), ElementsAre("Cron: done at last")) << "kept over the end";
}

TEST_F(Jobs, RunOnceWhateverOfJobsJsonWasLost) {
    const std::string id = add(turn_every(60 * minute));
    const std::string before = read_text(directory / "cron/jobs.json");
    loop.advance(60 * minute);
    answer("once");
    life.reset();
    write_text(directory / "cron/jobs.json", before);  // as if the write had never happened
    begin_life();
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(runs(id).size(), 1u);
}

TEST_F(Jobs, OfOneTimeAreTurnedOffOrDeletedAfterTheyRan) {
    const auto once = [&](bool deleted) {
        return Json{{"name", "tea"},
                    {"deleteAfterRun", deleted},
                    {"schedule", {{"atMs", loop.now_ms + 1000}}},
                    {"payload", {{"text", "tea is ready"}}}};
    };
    const std::string kept = add(once(false));
    const std::string gone = add(once(true));
    loop.advance(1000);
    EXPECT_EQ(job(kept)["enabled"], false);
    EXPECT_FALSE(state(kept).contains("nextRunAtMs"));
    EXPECT_TRUE(job(gone).is_null());
    EXPECT_THAT(waiting(), ElementsAre("tea is ready")) << "the same text once";
    begin_life();
    loop.advance(10 * minute);
    EXPECT_EQ(runs(kept).size(), 1u);
    EXPECT_THAT(waiting(), ElementsAre("tea is ready"));
}

TEST_F(Jobs, OfOneTimeThatFailAreTriedAgainLaterAndLater) {
    Json params = turn_every(1);
    params["schedule"] = {{"at", std::to_string(loop.now_ms)}};
    const std::string id = add(params);
    for (const int64_t pause : {minute, 5 * minute, 15 * minute, 60 * minute}) {
        life->models.last().fail("no model");
        loop.settle();
        EXPECT_EQ(state(id)["nextRunAtMs"], loop.now_ms + pause);
        const size_t before = calls();
        loop.advance(pause - 1);
        EXPECT_EQ(calls(), before);
        loop.advance(1);
        EXPECT_EQ(calls(), before + 1);
    }
    life->models.last().fail("no model");
    loop.settle();
    EXPECT_EQ(job(id)["enabled"], false);
    EXPECT_EQ(state(id)["lastError"], "no model");
    EXPECT_EQ(runs(id).size(), 5u);
}

TEST_F(Jobs, WakeTheAgentWhenTheySaySo) {
    add({{"name", "alarm"},
         {"wakeMode", "now"},
         {"schedule", {{"atMs", loop.now_ms + 1000}}},
         {"payload", {{"text", "the alarm rings"}}}});
    loop.advance(1000);
    ASSERT_EQ(calls(), 1u);
    EXPECT_THAT(asked(), HasSubstr("the alarm rings"));
    EXPECT_THAT(actions(), ElementsAre("added", "started"));
    begin_life();  // the event is in the journal with the turn
    ASSERT_EQ(calls(), 1u);
    EXPECT_THAT(asked(), HasSubstr("the alarm rings"));
    answer("Wake up!");
    EXPECT_TRUE(waiting().empty());
    EXPECT_EQ(message_text(life->history("main")[1]), "Wake up!");
}

TEST_F(Jobs, RunAtMostSoManyAtOnce) {
    for (int i = 0; i < 3; ++i) add(turn_every(minute));
    loop.advance(minute);
    EXPECT_EQ(calls(), 1u);
    answer("first");
    EXPECT_EQ(calls(), 2u);
    config["cron"] = {{"maxConcurrentRuns", 2}};
    begin_life();
    EXPECT_EQ(calls(), 2u);
}

TEST_F(Jobs, ThatAreForAChannelSayThatItIsNotThere) {
    Json params = turn_every(minute);
    params["payload"]["channel"] = "telegram";
    params["payload"]["to"] = "4711";
    const std::string id = add(params);
    params["payload"]["bestEffortDeliver"] = true;
    loop.advance(minute);
    answer("for you");
    EXPECT_EQ(state(id)["lastStatus"], "error");
    EXPECT_THAT(text_member(state(id), "lastError"),
                StartsWith("not delivered to channel telegram (4711): no channel is running"));
    EXPECT_EQ(runs(id)[0]["summary"], "for you");
    EXPECT_THAT(waiting(), ElementsAre("Cron (error): for you"));
    life->ask("cron.update", {{"id", id}, {"patch", {{"payload", params["payload"]}}}});
    loop.advance(minute);
    answer("again");
    EXPECT_EQ(state(id)["lastStatus"], "skipped");
}

TEST_F(Jobs, AreRunWhenAskedForAndWaitedFor) {
    const std::string id = add(turn_every(60 * minute));
    EXPECT_EQ(life->ask("cron.run", {{"id", id}}),
              (Json{{"ok", true}, {"ran", false}, {"reason", "not-due"}}));
    const auto answers = life->call("cron.run", {{"jobId", id}, {"mode", "force"}});
    loop.settle();
    EXPECT_TRUE(answers->empty());
    EXPECT_EQ(life->ask("cron.run", {{"id", id}, {"mode", "force"}})["reason"], "already-running");
    const Json planned = state(id)["nextRunAtMs"];
    answer("now");
    ASSERT_EQ(answers->size(), 1u);
    EXPECT_EQ(Json::parse(answers->front().payload_json), (Json{{"ok", true}, {"ran", true}}));
    EXPECT_EQ(state(id)["nextRunAtMs"], planned);
    EXPECT_EQ(life->ask("cron.run", {{"id", "none"}})["code"], "UNAVAILABLE");
    EXPECT_EQ(life->ask("cron.run", Json::object())["code"], "INVALID_REQUEST");
}

TEST_F(Jobs, AreListedChangedAndRemoved) {
    const std::string late = add(turn_every(10 * minute));
    const std::string early = add(turn_every(minute));
    const Json list = life->ask("cron.list", Json::object())["jobs"];
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0]["id"], early);
    const Json status = life->ask("cron.status", Json::object());
    EXPECT_EQ(status["enabled"], true);
    EXPECT_EQ(status["jobs"], 2);
    EXPECT_EQ(status["nextWakeAtMs"], loop.now_ms + minute);
    EXPECT_EQ(status["storePath"], directory / "cron/jobs.json");
    EXPECT_EQ(life->ask("cron.update", {{"id", early}, {"patch", {{"enabled", false}}}})["enabled"],
              false);
    EXPECT_EQ(life->ask("cron.list", Json::object())["jobs"].size(), 1u);
    loop.advance(5 * minute);
    EXPECT_EQ(calls(), 0u);
    life->ask("cron.update", {{"id", early}, {"patch", {{"enabled", true}}}});
    EXPECT_EQ(state(early)["nextRunAtMs"], loop.now_ms + minute) << "not what passed meanwhile";
    EXPECT_EQ(life->ask("cron.remove", {{"id", late}}), (Json{{"ok", true}, {"removed", true}}));
    EXPECT_EQ(life->ask("cron.remove", {{"id", late}})["removed"], false);
    EXPECT_THAT(actions(), ElementsAre("added", "added", "updated", "updated", "removed"));
    EXPECT_EQ(life->ask("cron.update", {{"id", "none"}, {"patch", Json::object()}})["code"],
              "UNAVAILABLE");
}

TEST_F(Jobs, AskForAModelThatThereIs) {
    Json params = turn_every(minute);
    params["payload"]["model"] = "nonsense";
    EXPECT_EQ(life->ask("cron.add", params)["message"],
              "invalid cron job: payload.model: no model nonsense");
    params["payload"]["model"] = "fake/two";
    add(params);
    loop.advance(minute);
    EXPECT_EQ(life->models.last().request.candidates.front().model, "fake/two");
}

TEST_F(Jobs, RemovedWhileTheyRunLeaveNothingBehind) {
    const std::string id = add(turn_every(minute));
    loop.advance(minute);
    life->ask("cron.remove", {{"id", id}});
    answer("too late");
    EXPECT_TRUE(job(id).is_null());
    EXPECT_TRUE(waiting().empty());
    EXPECT_TRUE(runs(id).empty());
    begin_life();
    EXPECT_EQ(calls(), 0u);
}

TEST_F(Jobs, GivenAnotherTimeWhileTheyRunRunThenToo) {
    Json params = turn_every(1);
    params["schedule"] = {{"atMs", loop.now_ms}};
    const std::string id = add(params);
    ASSERT_EQ(calls(), 1u);
    loop.advance(1000);
    const Json later{{"atMs", loop.now_ms + minute}};
    life->ask("cron.update", {{"id", id}, {"patch", {{"schedule", later}}}});
    answer("the first time");
    EXPECT_EQ(job(id)["enabled"], true);
    EXPECT_EQ(state(id)["nextRunAtMs"], loop.now_ms + minute);
    loop.advance(minute);
    ASSERT_EQ(calls(), 2u);
    answer("the second time");
    EXPECT_EQ(job(id)["enabled"], false);
    EXPECT_EQ(runs(id).size(), 2u);
}

TEST_F(Jobs, OfALongFileAreBegunFewAtATime) {
    life.reset();
    constexpr int many = 10'000;
    Json jobs = Json::array();
    for (int i = 0; i < many; ++i)
        jobs.push_back({{"id", "job-" + std::to_string(i)},
                        {"name", "news"},
                        {"schedule", {{"kind", "cron"}, {"expr", "0 7 29 2 *"}}},
                        {"sessionTarget", "main"},
                        {"wakeMode", "next-heartbeat"},
                        {"payload", {{"kind", "systemEvent"}, {"text", "tick"}}},
                        {"state", Json::object()}});
    jobs[77]["schedule"] = {{"kind", "at"}, {"atMs", 5}};
    jobs[9'999]["schedule"] = {{"kind", "at"}, {"atMs", 4}};
    write_text(directory / "cron/jobs.json", print_json({{"version", 1}, {"jobs", jobs}}));
    life = std::make_unique<Life>(directory.path(), loop, config);
    life->cron->start();
    EXPECT_EQ(runs("job-9999").size(), 1u) << "the earlier first";
    EXPECT_EQ(runs("job-77").size(), 0u) << "others are served in between";
    loop.settle();
    EXPECT_EQ(runs("job-77").size(), 1u);
    EXPECT_EQ(life->ask("cron.status", Json::object())["jobs"], many);
}

TEST_F(Jobs, CutOffByAStopAreBegunAgainOnce) {
    const std::string id = add(turn_every(60 * minute));
    loop.advance(60 * minute);
    bool drained = false;
    life->runs->drain(std::chrono::milliseconds(100), [&] { drained = true; });
    loop.advance(100);
    EXPECT_TRUE(drained);
    begin_life();
    ASSERT_EQ(calls(), 1u);
    answer("second try");
    ASSERT_EQ(runs(id).size(), 1u);
    EXPECT_EQ(runs(id)[0]["summary"], "second try");
}

TEST_F(Jobs, OfStockFilesAreTakenUpAsTheyAre) {
    life.reset();
    const Json stored{{"id", "9f5e4a1c-0000-4000-8000-000000000001"},
                      {"name", "daily"},
                      {"enabled", true},
                      {"createdAtMs", 1},
                      {"updatedAtMs", 1},
                      {"schedule", {{"kind", "cron"}, {"expr", "0 7 * * *"}}},
                      {"sessionTarget", "isolated"},
                      {"wakeMode", "next-heartbeat"},
                      {"payload", {{"kind", "agentTurn"}, {"message", "m"}, {"unknown", 1}}},
                      {"state", {{"runningAtMs", 5}, {"nextRunAtMs", loop.now_ms + minute}}}};
    write_text(directory / "cron/jobs.json", print_json({{"version", 1}, {"jobs", {stored}}}));
    begin_life();
    const Json found = job(text_member(stored, "id"));
    EXPECT_EQ(found["payload"]["unknown"], 1);
    EXPECT_FALSE(found["state"].contains("runningAtMs")) << "a crash's mark blocks nothing";
    loop.advance(minute);
    EXPECT_EQ(calls(), 1u);
}

TEST_F(Jobs, WithASchedulerThatIsTurnedOffRunOnlyWhenAskedFor) {
    life->methods.reset();
    life->cron.reset();
    Cron off({loop, *life->store, *life->runs, life->models, life->events, life->config,
              life->system_events, *life->heartbeats, life->zones, [this] { return loop.now_ms; }},
             {directory / "cron", directory / "cron", false, 1});
    off.start();
    ASSERT_TRUE(off.add(turn_every(minute)));
    loop.advance(5 * minute);
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ((*off.status())["enabled"], false);
    EXPECT_TRUE((*off.status())["nextWakeAtMs"].is_null());
}

}  // namespace agent
