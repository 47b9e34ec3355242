// Jobs as clients write them, and the files they are kept in.

#include "workers/agent/cron/job.h"

#include <gmock/gmock.h>

#include "tests/workers/agent/support.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

using testing::HasSubstr;

class CronJobs : public testing::Test {
  protected:
    JobRules rules() { return {config, zones, 1000}; }
    Json made(const Json& params) {
        const Result<Json> job = new_job(params, rules());
        return job ? *job : Json(job.error().what);
    }
    std::string refusal(Json change) {
        Json params{{"name", "n"},
                    {"schedule", {{"kind", "every"}, {"everyMs", 60'000}}},
                    {"payload", {{"kind", "systemEvent"}, {"text", "t"}}}};
        params.update(change);
        const Json job = made(params);
        return job.is_string() ? job.get<std::string>() : "accepted";
    }

    AgentConfig config{Json{{"agents", {{"list", {{{"id", "main"}}, {{"id", "ops"}}}}}}}};
    TimeZones zones{time_zones_module()};
};

class CronFiles : public testing::Test {
  protected:
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
            all.push_back(entry.path().filename());
        std::sort(all.begin(), all.end());
        return all;
    }
    Done refresh(JobFile& file) {
        bool is_news = false;
        return file.refresh(1'769'767'200'000, is_news);
    }

    TemporaryDirectory directory;
    std::string path = directory / "jobs.json";
};

}  // namespace

TEST_F(CronJobs, AreCompletedWithWhatFollowsFromTheRest) {
    const Json event = made({{"name", "tea"},
                             {"schedule", {{"at", "2026-01-30T10:00:00Z"}}},
                             {"payload", {{"text", "tea is ready"}}}});
    EXPECT_EQ(event["id"].get<std::string>().size(), 36u);
    EXPECT_EQ(event["schedule"], (Json{{"kind", "at"}, {"atMs", 1'769'767'200'000}}));
    EXPECT_EQ(event["payload"], (Json{{"kind", "systemEvent"}, {"text", "tea is ready"}}));
    EXPECT_EQ(event["sessionTarget"], "main");
    EXPECT_EQ(event["wakeMode"], "next-heartbeat");
    EXPECT_EQ(event["enabled"], true);
    EXPECT_EQ(event["createdAtMs"], 1000);
    const Json turn = made({{"name", "news"},
                            {"schedule", {{"expr", "0 7 * * *"}, {"tz", "Europe/Berlin"}}},
                            {"wakeMode", "now"},
                            {"agentId", "ops"},
                            {"payload", {{"message", "what is new?"}, {"timeoutSeconds", 60}}}});
    EXPECT_EQ(turn["sessionTarget"], "isolated");
    EXPECT_EQ(turn["schedule"]["kind"], "cron");
    EXPECT_EQ(turn["agentId"], "ops");
}

TEST_F(CronJobs, AreRefusedWithTheNameOfTheKey) {
    EXPECT_EQ(refusal(Json::object()), "accepted");
    EXPECT_THAT(refusal({{"nmae", "x"}}), HasSubstr("unexpected property 'nmae'"));
    EXPECT_THAT(refusal({{"name", " "}}), HasSubstr("name must say something"));
    EXPECT_THAT(refusal({{"schedule", {{"kind", "every"}}}}), HasSubstr("schedule.everyMs"));
    EXPECT_THAT(refusal({{"schedule", {{"kind", "every"}, {"everyMs", 0}}}}),
                HasSubstr("schedule: at /everyMs: must be >= 1"));
    EXPECT_THAT(refusal({{"schedule", {{"at", "soon"}}}}), HasSubstr("schedule.at must be a time"));
    EXPECT_THAT(refusal({{"schedule", {{"expr", "1 2 3"}}}}), HasSubstr("has 3 fields"));
    EXPECT_THAT(refusal({{"schedule", {{"expr", "* * * * *"}, {"tz", "Nowhere"}}}}),
                HasSubstr("schedule.tz"));
    EXPECT_THAT(refusal({{"schedule", 5}}), HasSubstr("schedule must be object"));
    EXPECT_THAT(refusal({{"payload", {{"kind", "other"}}}}), HasSubstr("payload.kind"));
    EXPECT_THAT(refusal({{"payload", {{"message", "m"}, {"text", "t"}}}}),
                HasSubstr("payload: at root: unexpected property 'text'"));
    EXPECT_THAT(refusal({{"sessionTarget", "isolated"}}), HasSubstr("sessionTarget main"));
    EXPECT_THAT(refusal({{"wakeMode", "never"}}), HasSubstr("wakeMode must be now or"));
    EXPECT_THAT(refusal({{"agentId", "nobody"}}), HasSubstr("configured agents: main, ops"));
    EXPECT_THAT(refusal({{"isolation", {{"postToMainMode", "all"}}}}),
                HasSubstr("postToMainMode must be summary or full"));
}

TEST_F(CronJobs, AreChangedByPartsAndKeepWhatIsUnknown) {
    Json job = made({{"name", "news"},
                     {"schedule", {{"everyMs", 60'000}}},
                     {"payload", {{"message", "what?"}, {"thinking", "low"}}}});
    job["color"] = "red";
    const Result<Json> changed =
        patched_job(job, {{"name", "old news"}, {"payload", {{"message", "why?"}}}}, rules());
    ASSERT_TRUE(changed) << changed.error().what;
    EXPECT_EQ((*changed)["name"], "old news");
    EXPECT_EQ((*changed)["payload"],
              (Json{{"kind", "agentTurn"}, {"message", "why?"}, {"thinking", "low"}}));
    EXPECT_EQ((*changed)["color"], "red");
    const Result<Json> event = patched_job(
        job, {{"sessionTarget", "main"}, {"payload", {{"kind", "systemEvent"}, {"text", "t"}}}},
        rules());
    ASSERT_TRUE(event) << event.error().what;
    EXPECT_EQ((*event)["payload"].size(), 2u);
    EXPECT_FALSE(patched_job(job, {{"sessionTarget", "main"}}, rules()));
    EXPECT_FALSE(patched_job(job, 5, rules()));
}

TEST_F(CronFiles, OfJobsKeepWhatTheyDoNotKnow) {
    write_text(
        path, R"({"version":1,"mine":true,"jobs":[{"id":"a","x":1},{"x":"no id"},{"id":"../b"}]})");
    JobFile file(path);
    ASSERT_TRUE(refresh(file));
    ASSERT_EQ(file.jobs().size(), 1u);
    file.add({{"id", "c"}});
    ASSERT_TRUE(file.save());
    const Json content = Json::parse(read_text(path));
    EXPECT_EQ(content["mine"], true);
    EXPECT_EQ(content["jobs"].size(), 4u);
    EXPECT_EQ(content["jobs"][1]["x"], "no id");
    EXPECT_EQ(Json::parse(read_text(path + ".bak"))["jobs"].size(), 3u);
    EXPECT_THAT(names(), testing::ElementsAre("jobs.json", "jobs.json.bak"));
}

TEST_F(CronFiles, OfJobsThatAreTornAreKeptAsideAndReplacedByTheBackup) {
    const std::string torn = R"({"version":1,"jobs":[{"id":"a")";
    write_text(path, torn);
    write_text(path + ".bak", R"({"version":1,"jobs":[{"id":"b"}]})");
    JobFile file(path);
    testing::internal::CaptureStdout();
    ASSERT_TRUE(refresh(file));
    testing::internal::GetCapturedStdout();
    ASSERT_EQ(file.jobs().size(), 1u);
    EXPECT_NE(file.find("b"), nullptr);
    ASSERT_TRUE(file.save());
    bool kept = false;
    for (const std::string& name : names()) kept = kept || read_text(directory / name) == torn;
    EXPECT_TRUE(kept);
}

TEST_F(CronFiles, OfJobsThatAreBeingWrittenAreGivenTime) {
    write_text(path, R"({"version":1,"jobs":[{"id":"a"}]})");
    JobFile file(path);
    ASSERT_TRUE(refresh(file));
    const std::string half = R"({"version":1,"jobs":[{"id":"a"},{"id")";
    write_text(path, half);
    bool is_news = false;
    const Done early = file.refresh(wall_ms(), is_news);
    ASSERT_FALSE(early);
    EXPECT_THAT(early.error().what, testing::HasSubstr("cannot be read yet"));
    EXPECT_EQ(read_text(path), half);
    EXPECT_NE(file.find("a"), nullptr);
    write_text(path, R"({"version":1,"jobs":[{"id":"a"},{"id":"b"}]})");
    ASSERT_TRUE(file.refresh(wall_ms(), is_news));
    EXPECT_TRUE(is_news);
    EXPECT_EQ(file.jobs().size(), 2u);
}

TEST_F(CronFiles, OfJobsThatCannotBeReadAreNotWritten) {
    std::filesystem::create_directory(path);
    JobFile file(path);
    EXPECT_FALSE(refresh(file));
    EXPECT_TRUE(std::filesystem::is_directory(path));
}

TEST_F(CronFiles, OfJobsThatAnotherProgramChangedAreReadAgain) {
    JobFile file(path);
    ASSERT_TRUE(refresh(file));
    file.add({{"id", "a"}});
    ASSERT_TRUE(file.save());
    write_text(path, R"({"version":1,"jobs":[{"id":"a"},{"id":"b"}]})");
    ASSERT_TRUE(refresh(file));
    EXPECT_EQ(file.jobs().size(), 2u);
}

TEST_F(CronFiles, OfRunsHaveALineForEachAndAreKeptShort) {
    const RunLog log(directory / "runs");
    const auto entry = [](int64_t at) {
        return Json{{"ts", at}, {"jobId", "j"}, {"action", "finished"}, {"runAtMs", at}};
    };
    ASSERT_TRUE(log.add("j", entry(1)));
    ASSERT_TRUE(log.add("j", entry(1)));
    ASSERT_TRUE(log.add("j", entry(2)));
    EXPECT_EQ(log.last("j", 10)->size(), 2u);
    EXPECT_EQ(log.last("j", 1)->front()["runAtMs"], 2);
    // A torn last line stays a line of its own.
    write_text(directory / "runs/j.jsonl", read_text(directory / "runs/j.jsonl") + R"({"ts":)");
    ASSERT_TRUE(log.add("j", entry(3)));
    EXPECT_EQ(log.last("j", 10)->size(), 3u);
    std::string many;
    for (int i = 0; i < 3000; ++i) {
        Json line = entry(100 + i);
        line["summary"] = std::string(700, 'x');
        many += print_json(line) + "\n";
    }
    write_text(directory / "runs/j.jsonl", many);
    ASSERT_TRUE(log.add("j", entry(9999)));
    const auto last = log.last("j", 5000);
    EXPECT_EQ(last->size(), RunLog::kept_lines);
    EXPECT_EQ(last->back()["runAtMs"], 9999);
    EXPECT_FALSE(log.add("../j", entry(1)));
    EXPECT_TRUE(log.last("none", 5)->empty());
}

}  // namespace agent
