// Jobs run when they are due, once, whoever dies meanwhile.

#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "tests/journeys/journey.h"
#include "tests/support/model_double.h"
#include "workers/common/base/clock.h"

using namespace std::chrono_literals;

namespace {

class Cron : public Journey {
  protected:
    static Json payload(GatewayClient& client, const std::string& method,
                        const Json& params = Json::object()) {
        const Json answer = client.request(method, params);
        EXPECT_TRUE(bool_member(answer, "ok")) << print_json(answer);
        return member(answer, "payload");
    }
    // Asked again where the agent died over it, as clients are told to.
    static Json read(GatewayClient& client, const std::string& method,
                     const Json& params = Json::object()) {
        Json answer;
        for (const Deadline deadline(patience); !deadline.over();) {
            answer = client.request(method, params);
            if (!bool_member(member(answer, "error"), "retryable")) break;
        }
        EXPECT_TRUE(bool_member(answer, "ok")) << print_json(answer);
        return member(answer, "payload");
    }
    static std::string add(GatewayClient& client, const Json& job) {
        return text_member(payload(client, "cron.add", job), "id");
    }
    static Json turn(const Json& schedule) {
        return {
            {"name", "news"}, {"schedule", schedule}, {"payload", {{"message", "what is new?"}}}};
    }
    static Json runs(GatewayClient& client, const std::string& id) {
        return member(read(client, "cron.runs", {{"id", id}}), "entries");
    }
    // Until so many runs of the job are written down.
    static Json wait_runs(GatewayClient& client, const std::string& id, size_t count) {
        Json entries;
        for (const Deadline deadline(patience); !deadline.over();) {
            entries = runs(client, id);
            if (entries.size() >= count) break;
            std::this_thread::sleep_for(20ms);
        }
        EXPECT_GE(entries.size(), count) << print_json(entries);
        return entries;
    }
    // Until nothing of the job runs: what a stop cut off is begun again by the next process.
    static Json wait_idle(GatewayClient& client, const std::string& id) {
        Json found;
        for (const Deadline deadline(patience); !deadline.over();) {
            const Json list = read(client, "cron.list", {{"includeDisabled", true}});
            for (const Json& job : member(list, "jobs"))
                if (text_member(job, "id") == id) found = job;
            if (!member(found, "state").contains("runningAtMs")) break;
            std::this_thread::sleep_for(20ms);
        }
        return found;
    }
    static Json cron_event(GatewayClient& client, const std::string& id, const char* action) {
        return member(client.wait_event("cron",
                                        [&](const Json& event) {
                                            return text_member(event, "jobId") == id &&
                                                   text_member(event, "action") == action;
                                        }),
                      "payload");
    }
    void kill_agent() {
        const pid_t agent = hardshell->worker("agent");
        ASSERT_GT(agent, 0);
        const size_t line = hardshell->line_count();
        ::kill(agent, SIGKILL);
        // One that is killed before it serves is not started again at once.
        ASSERT_TRUE(hardshell->wait_line("agent is ready again", line));
    }
    static void sleep_until(int64_t wall) {
        while (wall_ms() < wall) std::this_thread::sleep_for(1ms);
    }
    std::string content(const std::string& name) const {
        std::ifstream file(hardshell->state_dir() + "/" + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static Json events_of_main(GatewayClient& client) {
        return member(read(client, "status"), "queuedSystemEvents");
    }
};

TEST_F(Cron, JobsTellWhatTheyDoAndOutliveARestart) {
    start();
    GatewayClient client = connect();
    const std::string id = add(client, turn({{"everyMs", 1000}}));
    EXPECT_TRUE(cron_event(client, id, "added").contains("nextRunAtMs"));
    EXPECT_TRUE(cron_event(client, id, "started").contains("runAtMs"));
    const Json finished = cron_event(client, id, "finished");
    EXPECT_EQ(text_member(finished, "status"), "ok") << print_json(finished);
    EXPECT_FALSE(text_member(finished, "summary").empty());
    const Json stored = *parse_json(content("cron/jobs.json"));
    EXPECT_EQ(int_member(stored, "version"), 1);
    EXPECT_EQ(member(stored, "jobs").size(), 1u);
    EXPECT_FALSE(content("cron/jobs.json.bak").empty());
    payload(client, "cron.update", {{"id", id}, {"patch", {{"enabled", false}}}});
    ASSERT_EQ(hardshell->stop(), 0);
    ASSERT_TRUE(hardshell->start_and_wait());
    client = connect();
    EXPECT_EQ(text_member(wait_idle(client, id), "id"), id);
    EXPECT_GE(runs(client, id).size(), 1u);
    EXPECT_TRUE(bool_member(payload(client, "cron.run", {{"id", id}, {"mode", "force"}}), "ran"));
    EXPECT_TRUE(bool_member(payload(client, "cron.remove", {{"id", id}}), "removed"));
    cron_event(client, id, "removed");
}

// Killed before, at and after the moment, and in the middle of the answer.
TEST_F(Cron, AJobOfOneTimeRunsOnceHoweverTheAgentDies) {
    start();
    GatewayClient client = connect();
    for (const int64_t offset : {-150, -2, 0, 2, 5, 10, 20, 60}) {
        const int64_t at = wall_ms() + 900;
        const std::string id = add(client, turn({{"atMs", at}}));
        sleep_until(at + offset);
        kill_agent();
        const Json entries = wait_runs(client, id, 1);
        EXPECT_EQ(text_member(entries[0], "status"), "ok") << print_json(entries);
        kill_agent();
        EXPECT_EQ(runs(client, id).size(), 1u) << "killed at " << offset;
        const auto lines = history(client, "agent:main:cron:" + id);
        EXPECT_EQ(lines.size(), 2u) << "killed at " << offset;
        const Json list = read(client, "cron.list", {{"includeDisabled", true}});
        for (const Json& job : member(list, "jobs")) {
            const bool is_it = text_member(job, "id") == id;
            EXPECT_FALSE(is_it && bool_member(job, "enabled", true));
        }
        payload(client, "cron.remove", {{"id", id}});
    }
    const Json events = events_of_main(client);
    EXPECT_EQ(events.size(), 8u) << print_json(events);
}

TEST_F(Cron, AJobOfEachSecondRunsAtMostOnceInEach) {
    start();
    GatewayClient client = connect();
    const int64_t anchor = wall_ms() / 1000 * 1000;
    const std::string id = add(client, {{"name", "tick"},
                                        {"schedule", {{"everyMs", 1000}, {"anchorMs", anchor}}},
                                        {"payload", {{"text", "tick"}}}});
    // Around the moments at which it is due: before, while it begins, and when it has ended.
    for (const int64_t offset : {-3, -1, 0, 1, 2, 3, 4, 6, 8, 12, 20, 40}) {
        const int64_t next = (wall_ms() - anchor) / 1000 + 1;
        sleep_until(anchor + next * 1000 + offset);
        kill_agent();
    }
    const size_t before = runs(client, id).size();
    const Json entries = wait_runs(client, id, before + 2);
    std::set<int64_t> seconds;
    for (const Json& entry : entries)
        EXPECT_TRUE(seconds.insert((int_member(entry, "runAtMs") - anchor) / 1000).second)
            << print_json(entries);
    EXPECT_GE(before, 3u);
}

TEST_F(Cron, ATurnCutShortByADeathIsAnsweredOnce) {
    ModelDouble models;
    HardshellProcess::Options options;
    options.environment = {
        {"MODEL_URL", models.url()}, {"ANTHROPIC_API_KEY", "sk-ant-x"}, {"OPENAI_API_KEY", "sk-x"}};
    hardshell = std::make_unique<HardshellProcess>(options);
    const char* source = std::getenv("HARDSHELL_SOURCE");
    const std::string fixtures = std::string(source ? source : ".") + "/tests/fixtures/";
    std::filesystem::copy_file(fixtures + "openclaw-fly.json",
                               hardshell->state_dir() + "/openclaw-fly.json");
    std::filesystem::copy_file(fixtures + "openclaw-fly-local-models.json5",
                               hardshell->config_path());
    ASSERT_TRUE(hardshell->start_and_wait());
    GatewayClient client = connect();
    ModelReply silent;
    silent.manner = ModelReply::Manner::no_answer;
    models.next(silent);
    const std::string id = add(client, turn({{"atMs", wall_ms()}}));
    ASSERT_TRUE(models.wait_for_requests(1));
    kill_agent();
    const Json entries = wait_runs(client, id, 1);
    EXPECT_EQ(text_member(entries[0], "status"), "ok") << print_json(entries);
    EXPECT_EQ(models.requests().size(), 2u);
    EXPECT_EQ(events_of_main(client).size(), 1u);
}

TEST_F(Cron, WhatWasMissedWhileNothingRanRunsOnce) {
    start();
    GatewayClient client = connect();
    const std::string id =
        add(client,
            {{"name", "tick"}, {"schedule", {{"everyMs", 1000}}}, {"payload", {{"text", "tick"}}}});
    wait_runs(client, id, 1);
    ASSERT_EQ(hardshell->stop(), 0);
    const size_t before = [&] {
        const std::string lines = content("cron/runs/" + id + ".jsonl");
        return static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n'));
    }();
    std::this_thread::sleep_for(3s);
    const int64_t started = wall_ms();
    ASSERT_TRUE(hardshell->start_and_wait());
    client = connect();
    const Json entries = wait_runs(client, id, before + 2);
    // The first one is for all that was missed; the next has a time of its own.
    const int64_t next = int_member(entries[before], "nextRunAtMs");
    size_t at_start = 0;
    for (const Json& entry : entries)
        at_start += int_member(entry, "runAtMs") >= started && int_member(entry, "runAtMs") < next;
    EXPECT_EQ(at_start, 1u) << print_json(entries);
}

TEST_F(Cron, CommandsDoWhatAnOwnerAsksFor) {
    start();
    const auto run = [&](std::vector<std::string> words) { return hardshell->command(words); };
    const auto added = run(
        {"cron", "add", "--name", "tea", "--at", "1h", "--system-event", "tea is ready", "--json"});
    ASSERT_EQ(added.exit_code, 0) << added.output;
    const std::string id = text_member(*parse_json(added.output), "id");
    EXPECT_NE(run({"cron", "list"}).output.find("tea"), std::string::npos);
    EXPECT_NE(run({"cron", "status"}).output.find("next run"), std::string::npos);
    EXPECT_EQ(run({"cron", "disable", id}).exit_code, 0);
    EXPECT_NE(run({"cron", "list", "--all"}).output.find("disabled"), std::string::npos);
    EXPECT_EQ(run({"cron", "edit", id, "--name", "coffee", "--enable"}).exit_code, 0);
    EXPECT_NE(run({"cron", "run", id}).output.find("It ran"), std::string::npos);
    EXPECT_NE(run({"cron", "runs", id}).output.find("tea is ready"), std::string::npos);
    EXPECT_EQ(run({"cron", "rm", id}).exit_code, 0);
    EXPECT_EQ(run({"cron", "rm", id}).exit_code, 1);
    EXPECT_NE(run({"cron", "add", "--name", "x", "--cron", "1 2", "--message", "m"})
                  .output.find("has 2 fields"),
              std::string::npos);
    // The module with the zones is loaded inside the agent's confinement.
    const auto berlin = run({"cron", "add", "--name", "x", "--cron", "0 7 * * *", "--tz",
                             "Europe/Berlin", "--message", "m"});
    EXPECT_EQ(berlin.exit_code, 0) << berlin.output;
    EXPECT_EQ(run({"system", "event", "--text", "hello", "--mode", "now"}).exit_code, 0);
    EXPECT_NE(run({"system", "heartbeat", "disable"}).output.find("off"), std::string::npos);
    EXPECT_EQ(run({"system", "heartbeat", "last", "--json"}).exit_code, 0);
    EXPECT_EQ(run({"system", "presence"}).exit_code, 0);
}

TEST_F(Cron, HeartbeatsOfTheDemonstrationLeaveNoTrace) {
    HardshellProcess::Options options;
    options.config = R"({agents: {defaults: {heartbeat: {every: "1s", prompt: "look around"}}}})";
    start(std::move(options));
    GatewayClient client = connect();
    const Json skipped = client.wait_event("heartbeat");
    EXPECT_EQ(text_member(member(skipped, "payload"), "reason"), "no-model") << print_json(skipped);
    EXPECT_TRUE(history(client).empty());
    payload(client, "wake", {{"mode", "now"}, {"text", "the bell rings"}});
    const Json sent = client.wait_event(
        "heartbeat", [](const Json& event) { return text_member(event, "status") == "sent"; });
    EXPECT_FALSE(sent.is_null());
    EXPECT_TRUE(contains(history(client), "the bell rings"));
    payload(client, "set-heartbeats", {{"enabled", false}});
    EXPECT_FALSE(payload(client, "last-heartbeat").is_null());
}

}  // namespace
