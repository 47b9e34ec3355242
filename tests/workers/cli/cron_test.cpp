// `hardshell cron` and `hardshell system`: what the options mean, and what is printed.

#include "workers/cli/commands/cron.h"

#include <gmock/gmock.h>

#include "workers/cli/commands/system.h"

namespace cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int64_t now = 1'769'767'200'000;

Arguments given(const std::string& command, const std::vector<std::string>& words) {
    std::vector<std::string> name = {"cron", command};
    const Result<Arguments> arguments = parse_arguments(*find_command(name).command, words);
    EXPECT_TRUE(arguments) << arguments.error().what;
    return arguments ? *arguments : Arguments();
}

Json job(const std::vector<std::string>& words) {
    const Result<Json> params = cron_job(given("add", words), now);
    return params ? *params : Json(params.error().what);
}

Json patch(const std::vector<std::string>& words) {
    std::vector<std::string> all = {"the-job"};
    all.insert(all.end(), words.begin(), words.end());
    const Result<Json> params = cron_patch(given("edit", all), now);
    return params ? *params : Json(params.error().what);
}

TEST(CronCommand, TurnsOptionsIntoAJob) {
    EXPECT_EQ(job({"--name", "tea", "--at", "20m", "--system-event", "tea is ready", "--wake",
                   "now", "--delete-after-run"}),
              (Json{{"name", "tea"},
                    {"wakeMode", "now"},
                    {"schedule", {{"kind", "at"}, {"atMs", now + 1'200'000}}},
                    {"payload", {{"kind", "systemEvent"}, {"text", "tea is ready"}}},
                    {"deleteAfterRun", true}}));
    const Json turn = job({"--name",
                           "news",
                           "--cron",
                           "0 7 * * *",
                           "--tz",
                           "Europe/Berlin",
                           "--message",
                           "news?",
                           "--model",
                           "x/y",
                           "--thinking",
                           "low",
                           "--timeout-seconds",
                           "60",
                           "--deliver",
                           "--channel",
                           "telegram",
                           "--to",
                           "4711",
                           "--agent",
                           "ops",
                           "--session",
                           "isolated",
                           "--post-prefix",
                           "News",
                           "--post-max-chars",
                           "500",
                           "--disabled",
                           "--description",
                           "d"});
    EXPECT_EQ(turn["schedule"],
              (Json{{"kind", "cron"}, {"expr", "0 7 * * *"}, {"tz", "Europe/Berlin"}}));
    EXPECT_EQ(turn["payload"]["timeoutSeconds"], 60);
    EXPECT_EQ(turn["payload"]["deliver"], true);
    EXPECT_EQ(turn["isolation"], (Json{{"postToMainPrefix", "News"}, {"postToMainMaxChars", 500}}));
    EXPECT_EQ(turn["enabled"], false);
    EXPECT_EQ(turn["agentId"], "ops");
    EXPECT_EQ(job({"--name", "x", "--every", "1d", "--message", "m"})["schedule"]["everyMs"],
              86'400'000);
    EXPECT_EQ(
        job({"--name", "x", "--at", "2026-02-01T08:00", "--message", "m"})["schedule"]["atMs"],
        "2026-02-01T08:00");
}

TEST(CronCommand, SaysWhichOptionIsMissingOrTooMuch) {
    EXPECT_EQ(job({"--every", "1m", "--message", "m"}), "--name is missing");
    EXPECT_THAT(job({"--name", "x", "--message", "m"}).get<std::string>(),
                HasSubstr("when to run"));
    EXPECT_THAT(job({"--name", "x", "--every", "1m"}).get<std::string>(), HasSubstr("what to do"));
    EXPECT_THAT(
        job({"--name", "x", "--every", "1m", "--at", "1m", "--message", "m"}).get<std::string>(),
        HasSubstr("exclude each other"));
    EXPECT_THAT(job({"--name", "x", "--every", "soon", "--message", "m"}).get<std::string>(),
                HasSubstr("--every must be a time span like 30s"));
    EXPECT_THAT(
        job({"--name", "x", "--every", "1m", "--tz", "UTC", "--message", "m"}).get<std::string>(),
        HasSubstr("--tz belongs to --cron"));
}

TEST(CronCommand, ChangesOnlyWhatIsGiven) {
    EXPECT_EQ(patch({"--name", "new", "--enable"}), (Json{{"name", "new"}, {"enabled", true}}));
    EXPECT_EQ(patch({"--message", "m"}),
              (Json{{"payload", {{"message", "m"}, {"kind", "agentTurn"}}}}));
    EXPECT_EQ(patch({"--keep-after-run", "--clear-agent", "--no-deliver"}),
              (Json{{"payload", {{"deliver", false}, {"kind", "agentTurn"}}},
                    {"deleteAfterRun", false},
                    {"agentId", nullptr}}));
    EXPECT_THAT(patch({}).get<std::string>(), HasSubstr("nothing to change"));
    EXPECT_THAT(patch({"--enable", "--disable"}).get<std::string>(), HasSubstr("exclude"));
}

TEST(CronCommand, ShowsJobsAndRuns) {
    const Json list = *parse_json(
        R"({"jobs":[{"id":"j1","name":"te\u001ba","enabled":false,"sessionTarget":"main",)"
        R"("schedule":{"kind":"every","everyMs":60000},)"
        R"("state":{"nextRunAtMs":1769767260000,"lastRunAtMs":1769767140000,"lastStatus":"error"}}]})");
    const std::string text = cron_jobs_text(list, Style{}, now);
    EXPECT_THAT(text, HasSubstr("every 1 min"));
    EXPECT_THAT(text, HasSubstr("in 1 min"));
    EXPECT_THAT(text, HasSubstr("error, 1 min"));
    EXPECT_THAT(text, HasSubstr("disabled"));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_EQ(cron_jobs_text({}, Style{}, now), "There are no cron jobs.\n");
    EXPECT_EQ(schedule_text({{"kind", "at"}, {"atMs", now}}), "at 2026-01-30T10:00:00Z");
    EXPECT_EQ(schedule_text({{"kind", "cron"}, {"expr", "0 7 * * *"}, {"tz", "Europe/Berlin"}}),
              "0 7 * * * Europe/Berlin");
    const std::string runs = cron_runs_text(
        *parse_json(R"({"entries":[{"runAtMs":1769767200000,"durationMs":1500,"status":"ok",)"
                    R"("summary":"all is well"}]})"),
        Style{});
    EXPECT_THAT(runs, HasSubstr("2026-01-30T10:00:00Z"));
    EXPECT_THAT(runs, HasSubstr("all is well"));
    EXPECT_EQ(cron_runs_text({}, Style{}), "The job has not run yet.\n");
}

TEST(SystemCommand, ShowsHeartbeatsAndPresence) {
    EXPECT_EQ(heartbeat_text(nullptr, now), "There has been no heartbeat yet.\n");
    const std::string beat = heartbeat_text(
        {{"ts", now - 60'000}, {"status", "sent"}, {"preview", "The door is open."}}, now);
    EXPECT_THAT(beat, HasSubstr("1 min"));
    EXPECT_THAT(beat, HasSubstr("The door is open."));
    const std::string who = presence_text(
        Json::array({{{"host", "porch"}, {"mode", "webchat"}, {"ts", now}}}), Style{}, now);
    EXPECT_THAT(who, HasSubstr("porch"));
    EXPECT_EQ(presence_text(Json::array(), Style{}, now), "Nobody is there.\n");
}

}  // namespace
}  // namespace cli
