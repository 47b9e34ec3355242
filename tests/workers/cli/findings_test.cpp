#include "workers/cli/commands/findings.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "tests/workers/cli/doubles.h"
#include "workers/cli/commands/doctor.h"
#include "workers/common/base/json.h"
#include "workers/common/base/paths.h"

namespace cli {
namespace {

using cli_test::Directory;
using cli_test::healthy_report;
using hardshell::proto::Notice;
using hardshell::proto::Plan;
using hardshell::proto::StatusReport;
using hardshell::proto::WorkerStatus;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string text_of(const Findings& findings) {
    return findings_text(findings, Style{});
}

Plan good_plan() {
    Plan plan;
    plan.set_source("file");
    auto& gateway = *plan.add_workers();
    gateway.set_kind("gateway");
    auto& token = *gateway.add_secrets();
    token.set_name("gateway.auth.token");
    token.set_value("0123456789abcdef0123");
    token.set_source("the file");
    auto& agent = *plan.add_workers();
    agent.set_kind("agent");
    auto& key = *agent.add_secrets();
    key.set_name("models.providers.anthropic.apiKey");
    key.set_value("the-model-key");
    key.set_source("environment variable ANTHROPIC_API_KEY");
    return plan;
}

TEST(Findings, AreGoodAboutAGoodPlan) {
    const Findings found = judge_plan(good_plan(), "/data/openclaw.json", true);
    EXPECT_EQ(findings_exit_code(found), 0) << text_of(found);
    EXPECT_THAT(text_of(found), HasSubstr("environment variable ANTHROPIC_API_KEY"));
    EXPECT_THAT(text_of(found), HasSubstr("No problems found."));
}

TEST(Findings, NeverShowASecret) {
    const std::string text = text_of(judge_plan(good_plan(), "x", true));
    EXPECT_EQ(text.find("the-model-key"), std::string::npos);
    EXPECT_EQ(text.find("0123456789abcdef"), std::string::npos);
}

TEST(Findings, NameWhatIsWrongWithTheConfiguration) {
    const Findings refused = judge_plan(
        Error{Fault::bad_config, "openclaw.json:3: expected a value"}, "/d/openclaw.json", true);
    EXPECT_THAT(text_of(refused), HasSubstr("openclaw.json:3: expected a value"));
    EXPECT_THAT(text_of(refused), HasSubstr("correct /d/openclaw.json"));
    EXPECT_EQ(findings_exit_code(refused), 1);

    Plan degraded = good_plan();
    degraded.set_degraded("openclaw.json cannot be used");
    EXPECT_EQ(findings_exit_code(judge_plan(degraded, "x", true)), 1);
    EXPECT_THAT(text_of(judge_plan(degraded, "x", true)), HasSubstr("`hardshell reload`"));
    EXPECT_THAT(text_of(judge_plan(degraded, "x", false)),
                HasSubstr("-> correct it; `hardshell config validate`"));

    Plan noticed = good_plan();
    Notice& notice = *noticed.add_notices();
    notice.set_severity(Notice::WARNING);
    notice.set_text("unknown key foo");
    EXPECT_EQ(findings_exit_code(judge_plan(noticed, "x", true)), 1);
    notice.set_severity(Notice::INFO);
    EXPECT_EQ(findings_exit_code(judge_plan(noticed, "x", true)), 0);
}

TEST(Findings, MissAModelKeyAndDislikeAShortToken) {
    Plan plan = good_plan();
    plan.mutable_workers(1)->clear_secrets();
    plan.mutable_workers(0)->mutable_secrets(0)->set_value("short");
    const Findings found = judge_plan(plan, "x", true);
    EXPECT_THAT(text_of(found), HasSubstr("set ANTHROPIC_API_KEY"));
    EXPECT_THAT(text_of(found), HasSubstr("only 5 characters"));
    EXPECT_THAT(text_of(found), HasSubstr("2 problems found."));
}

TEST(Findings, CountEveryWorkerThatIsNotReady) {
    EXPECT_EQ(findings_exit_code(judge_status(healthy_report())), 0);
    StatusReport report = healthy_report();
    report.clear_port();
    EXPECT_THAT(text_of(judge_status(report)), HasSubstr("no plan to follow"));
    report = healthy_report();
    report.mutable_workers(1)->set_state(WorkerStatus::HELD);
    report.mutable_workers(1)->set_last_end("the key was refused");
    const Findings found = judge_status(report);
    EXPECT_EQ(findings_exit_code(found), 1);
    EXPECT_THAT(text_of(found), HasSubstr("worker agent: it is held: the key was refused"));
    EXPECT_THAT(text_of(found), HasSubstr("`hardshell restart agent`"));
}

TEST(Findings, TellOfTunnels) {
    using hardshell::proto::PublicUrl;
    StatusReport report = healthy_report();
    PublicUrl& url = *report.mutable_public_url();
    url.set_provider("ngrok");
    url.set_state(PublicUrl::UP);
    url.set_url("https://one.ngrok.app");
    EXPECT_EQ(findings_exit_code(judge_status(report)), 0);
    url.set_problem("tailscale-serve does not lead to the gateway: no key");
    EXPECT_THAT(text_of(judge_status(report)),
                HasSubstr("PROBLEM tunnel: https://one.ngrok.app (ngrok): tailscale-serve does not "
                          "lead to the gateway: no key"));
    url.set_problem("the connection is lost");
    for (const auto state : {PublicUrl::DEGRADED, PublicUrl::DOWN}) {
        url.set_state(state);
        EXPECT_THAT(text_of(judge_status(report)), HasSubstr("(ngrok): the connection is lost"));
        EXPECT_EQ(findings_exit_code(judge_status(report)), 1);
    }
}

TEST(Findings, NameTheCureOfTheCause) {
    StatusReport report = healthy_report();
    WorkerStatus& agent = *report.mutable_workers(1);
    agent.set_state(WorkerStatus::HELD);
    agent.set_last_cause("oom");
    agent.set_last_end("41.2 of 40 MiB");
    EXPECT_THAT(text_of(judge_status(report)),
                HasSubstr("PROBLEM worker agent: it is held: oom: 41.2 of 40 MiB\n"
                          "        -> give it more: memory.workers.agent.limit"));
    for (const auto& [cause, cure] : {std::pair{"machine_oom", "give the machine more memory"},
                                      std::pair{"memory_replaced", "give it more"},
                                      std::pair{"storage", "delete what is not needed"},
                                      std::pair{"taken", "end the program"}}) {
        agent.set_last_cause(cause);
        EXPECT_THAT(text_of(judge_status(report)), HasSubstr("-> " + std::string(cure))) << cause;
    }
    agent.set_state(WorkerStatus::STOPPED);
    EXPECT_THAT(text_of(judge_status(report)), HasSubstr("-> `hardshell start agent`"));
    agent.set_state(WorkerStatus::HELD);
    agent.set_last_cause("bad_credentials");
    EXPECT_THAT(text_of(judge_status(report)), HasSubstr("-> correct the key or token, then "
                                                         "`hardshell restart agent`"));
    agent.set_state(WorkerStatus::READY);
    agent.set_restarts(1);
    EXPECT_THAT(text_of(judge_status(report)),
                HasSubstr("ready, restarted once; last: bad credentials: 41.2 of 40 MiB"));
    EXPECT_EQ(findings_exit_code(judge_status(report)), 0);
}

TEST(Findings, ShowEveryLayer) {
    StatusReport report = healthy_report();
    auto& users = *report.add_layers();
    users.set_name("users");
    users.set_detail("not started as root");
    auto& filter = *report.add_layers();
    filter.set_name("system call filter");
    filter.set_holds(true);
    filter.set_detail("61 calls denied");
    report.add_missing("workers share one user: not started as root");
    EXPECT_EQ(findings_exit_code(judge_machine(report)), 0) << "notes";
    report.add_missing("port 3000 on :: is taken by another program; end it");
    const Findings found = judge_machine(report);
    EXPECT_EQ(findings_exit_code(found), 1) << "nobody can be served";
    EXPECT_THAT(text_of(found), HasSubstr("note    layer users: missing: not started as root\n"
                                          "        -> start as root"));
    EXPECT_THAT(text_of(found), HasSubstr("ok      layer system call filter: holds: 61 calls"));
    EXPECT_THAT(text_of(found), HasSubstr("PROBLEM this machine: port 3000 on :: is taken"));
    EXPECT_THAT(found, SizeIs(3)) << "one user is not named twice";
    report.add_missing(
        "telegram:ops did not start with its new configuration and runs with the "
        "one before");
    report.add_missing("gateway goes without metrics until its next start: port 9091 is taken");
    EXPECT_THAT(text_of(judge_machine(report)), HasSubstr("then `hardshell restart telegram:ops`"));
    EXPECT_THAT(text_of(judge_machine(report)), HasSubstr("choose another metrics.port"));
}

TEST(Findings, TellChannelsThatAreNotConnected) {
    const Json report = Json::parse(R"({"ts": 100000, "channelAccounts": {
        "discord": [{"accountId": "default", "running": true, "connected": true}],
        "slack": [{"accountId": "default", "running": false}],
        "telegram": [{"accountId": "default", "running": true, "connected": false,
                      "lastError": "no connection to api.telegram.org", "lastStartAt": 99000},
                     {"accountId": "ops", "running": true, "connected": false,
                      "lastError": "no connection to api.telegram.org"}]}})");
    const Findings found = judge_channels(report);
    EXPECT_THAT(found, SizeIs(3)) << "of slack, which has no worker, that is said elsewhere";
    EXPECT_THAT(text_of(found), HasSubstr("ok      channel discord, account default: connected"));
    EXPECT_THAT(text_of(found), HasSubstr("PROBLEM channel telegram, account ops: not connected: "
                                          "no connection to api.telegram.org\n        -> "));
    EXPECT_THAT(found[1].cure, HasSubstr("`hardshell logs telegram` and ops/runbooks/telegram-"));
    EXPECT_THAT(found[2].cure,
                HasSubstr("`hardshell logs telegram:ops` and ops/runbooks/telegram-"));
    EXPECT_THAT(judge_channels(report, true)[2].cure,
                HasSubstr("until it is: see ops/runbooks/telegram-"));
    EXPECT_THAT(judge_channels(Json::object()), IsEmpty());
    Findings all;
    append_new(all, found);
    EXPECT_THAT(all, SizeIs(3)) << "the same of two accounts is two problems";
    append_new(all, found);
    EXPECT_THAT(text_of(all), HasSubstr("2 problems found."));
}

TEST(Findings, DoNotBlameAnAccountThatIsStillConnecting) {
    const auto found_after = [](int64_t ms) {
        Json report = Json::parse(R"({"ts": 100000, "channelAccounts": {"discord": [
            {"accountId": "default", "running": true, "connected": false, "lastError": null}]}})");
        report["channelAccounts"]["discord"][0]["lastStartAt"] = 100'000 - ms;
        return judge_channels(report);
    };
    EXPECT_THAT(text_of(found_after(29'000)),
                HasSubstr("note    channel discord, account default: connecting\n"));
    EXPECT_THAT(text_of(found_after(30'000)), HasSubstr("account default: not connected\n"));
}

TEST(Findings, AdviseToCorrectACredentialWhereItWasRefusedOnly) {
    Target target;
    target.running = true;
    target.credential_source = "--token";
    const auto cure = [&](Fault fault) { return cure_of_refusal(Error{fault, "why"}, target); };
    EXPECT_THAT(cure(Fault::bad_credentials), HasSubstr("correct --token here"));
    EXPECT_EQ(cure(Fault::bad_config), "") << "the error says it";
    EXPECT_THAT(cure(Fault::bad_message), HasSubstr("`hardshell logs gateway`"));
}

TEST(Findings, TellThatTheVolumeFillsOnce) {
    StatusReport report = healthy_report();
    EXPECT_THAT(judge_machine(report), IsEmpty()) << "its size is not known";
    auto& volume = *report.mutable_volume();
    volume.set_level(hardshell::proto::VolumeState::ROOM);
    volume.set_total_bytes(100u << 20);
    volume.set_free_bytes(60u << 20);
    EXPECT_THAT(text_of(judge_machine(report)),
                HasSubstr("ok      volume: 40 % of 100.0 MiB are used"));
    volume.set_level(hardshell::proto::VolumeState::FULL);
    volume.set_what("the state directory is full");
    report.add_missing("the state directory is full");
    const Findings found = judge_machine(report);
    EXPECT_THAT(text_of(found), HasSubstr("PROBLEM volume: the state directory is full\n"));
    EXPECT_THAT(found, SizeIs(1)) << "not named twice";
    EXPECT_NE(findings_exit_code(found), 0);
}

TEST(Findings, WeighMemoryAgainstTheMachine) {
    StatusReport report = healthy_report();
    EXPECT_THAT(judge_memory(report, 1u << 30), IsEmpty()) << "no limits, nothing to say";
    report.set_memory_mode("cgroup v2");
    for (WorkerStatus& worker : *report.mutable_workers()) worker.set_memory_limit_bytes(64u << 20);
    EXPECT_THAT(text_of(judge_memory(report, 256u << 20)),
                HasSubstr("ok      memory: limits of 128.0 MiB in all (cgroup v2) on a machine of "
                          "256.0 MiB"));
    EXPECT_THAT(text_of(judge_memory(report, 100u << 20)),
                HasSubstr("more than this machine's 100.0 MiB"));
    report.mutable_workers(1)->set_memory_bytes(60u << 20);
    const Findings found = judge_memory(report, 256u << 20);
    EXPECT_EQ(findings_exit_code(found), 1);
    EXPECT_THAT(text_of(found), HasSubstr("memory of agent: it uses 60.0 of 64 MiB"));
    EXPECT_GT(machine_memory(), 64u << 20);
}

TEST(Findings, NameLogLinesThatWereLost) {
    StatusReport report = healthy_report();
    report.set_log_lines_dropped(7);
    report.mutable_workers(0)->set_log_lines_suppressed(9);
    const Findings found = judge_status(report);
    EXPECT_EQ(findings_exit_code(found), 0);
    EXPECT_THAT(text_of(found), HasSubstr("7 lines were lost because standard output"));
    EXPECT_THAT(text_of(found), HasSubstr("9 lines of gateway were left out"));
}

TEST(Findings, SayOneMistakeOnce) {
    Plan plan = good_plan();
    plan.set_degraded("openclaw.json:3: expected a value; serving without a configuration");
    plan.set_source("none");
    Notice& notice = *plan.add_notices();
    notice.set_severity(Notice::ERROR);
    notice.set_text("openclaw.json:3: expected a value");
    StatusReport report = healthy_report();
    report.set_degraded(plan.degraded());
    Findings all;
    append_new(all, judge_plan(plan, "openclaw.json", true));
    append_new(all, judge_status(report));
    EXPECT_THAT(text_of(all), HasSubstr("1 problem found."));
}

TEST(Findings, JudgeTheStateDirectory) {
    const Directory directory;
    EXPECT_EQ(judge_state_dir(directory.path() + "/state")[0].weight, Weight::good);
    EXPECT_EQ(judge_state_dir(directory.path() + "/none")[0].weight, Weight::note);
    directory.write("file", "");
    EXPECT_THAT(judge_state_dir(directory.path() + "/file")[0].what, HasSubstr("not a directory"));
}

TEST(Findings, NeverAdviseToTakeAStateDirectoryAway) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to be somebody else";
    const Directory directory;
    chmod(directory.path().c_str(), 0755);
    chmod((directory.path() + "/state").c_str(), 0755);
    const pid_t other = fork();
    if (other == 0) {
        if (setgid(12'345) != 0 || setuid(12'345) != 0) _exit(2);
        const std::string text = text_of(judge_state_dir(directory.path() + "/state"));
        const bool is_right = text.find("run this as root") != std::string::npos &&
                              text.find("chown") == std::string::npos;
        _exit(is_right ? 0 : 1);
    }
    int status = 0;
    waitpid(other, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Findings, CallNoTokenGoodThatCannotBeKept) {
    Plan plan = good_plan();
    plan.mutable_workers(0)->mutable_secrets(0)->set_source(paths::token_of_this_start);
    EXPECT_THAT(text_of(judge_plan(plan, "x", true)),
                HasSubstr("PROBLEM gateway token: it is another one after each start"));
}

TEST(Findings, NameFilesThatOthersCanRead) {
    const Directory directory;
    const std::string state = directory.path() + "/state";
    directory.write("state/openclaw.json", "{}", 0600);
    EXPECT_THAT(judge_permissions(state, state + "/openclaw.json"), IsEmpty());
    directory.write("state/openclaw.json", "{}", 0644);
    const Findings found = judge_permissions(state, state + "/openclaw.json");
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].cure, "chmod 600 " + state + "/openclaw.json");
}

TEST(Findings, MissAProgram) {
    const Directory directory;
    for (const char* name : {"supervisor", "planner", "gateway", "agent", "tools", "telegram",
                             "discord", "voice", "client"})
        directory.write(std::string("libexec/") + name, "", 0755);
    const Findings found = judge_programs(directory.path() + "/libexec");
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0].what, HasSubstr("/libexec/tunnel cannot be run"));
    directory.write("libexec/tunnel", "", 0755);
    EXPECT_EQ(findings_exit_code(judge_programs(directory.path() + "/libexec")), 0);
}

TEST(Findings, TellAStaleLockFromALiveOne) {
    // A number that was a process a moment ago and cannot be one now: ours, already collected.
    const pid_t gone = fork();
    if (gone == 0) _exit(0);
    waitpid(gone, nullptr, 0);
    const Directory directory;
    const std::string state = directory.path() + "/state";
    directory.write("state/gateway.abcd.lock", "{\"pid\":" + std::to_string(gone) + "}");
    directory.write("state/agents/main/sessions/s.jsonl.lock",
                    "{\"pid\":" + std::to_string(getpid()) + "}");
    directory.write("state/gateway.broken.lock", "not json");
    const Findings found = judge_locks(state, directory.path());
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0].what, HasSubstr("gateway.abcd.lock"));
    EXPECT_EQ(found[0].weight, Weight::note);
}

paths::Environment set_to(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string() : found->second;
    };
}

TEST(Findings, NameASecretThatNobodyUses) {
    const Findings found =
        judge_idle_secrets(good_plan(), set_to({{"NGROK_AUTHTOKEN", "of-a-tunnel-that-is-not"}}));
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].weight, Weight::note);
    EXPECT_THAT(found[0].what, HasSubstr("NGROK_AUTHTOKEN is set and nobody uses it"));
    EXPECT_EQ(found[0].what.find("of-a-tunnel"), std::string::npos);
    EXPECT_THAT(judge_idle_secrets(good_plan(),
                                   set_to({{"OPENCLAW_GATEWAY_TOKEN", " 0123456789abcdef0123\n"}})),
                IsEmpty());
    EXPECT_THAT(judge_idle_secrets(good_plan(), set_to({{"OPENAI_API_KEY", "of-no-worker"}})),
                SizeIs(1));
    Plan degraded = good_plan();
    degraded.set_degraded("openclaw.json cannot be used");
    EXPECT_THAT(judge_idle_secrets(degraded, set_to({{"NGROK_AUTHTOKEN", "idle"}})), IsEmpty());
}

TEST(Findings, NameCertificatesThatNoWorkerCanRead) {
    const Directory directory;
    const std::string file = directory.path() + "/authorities.pem";
    const auto found = [&] { return judge_authorities(set_to({{"SSL_CERT_FILE", file}})); };
    ASSERT_THAT(found(), SizeIs(1));
    EXPECT_EQ(found()[0].weight, Weight::problem);
    EXPECT_THAT(found()[0].what, HasSubstr("SSL_CERT_FILE: " + file + " cannot be read"));
    directory.write("authorities.pem", "", 0644);
    EXPECT_THAT(found(), IsEmpty());
    EXPECT_THAT(judge_authorities(set_to({})), IsEmpty());
    if (geteuid() != 0) return;  // the workers of others are the same user
    directory.write("authorities.pem", "", 0600);
    ASSERT_THAT(found(), SizeIs(1));
    EXPECT_EQ(found()[0].cure, "chmod a+r " + file);
}

TEST(Findings, TellALockOfAnEarlierStartByItsTime) {
    const Directory directory;
    directory.write("state/gateway.abcd.lock", "{\"pid\":" + std::to_string(getpid()) + "}");
    const std::string lock = directory.path() + "/state/gateway.abcd.lock";
    EXPECT_THAT(judge_locks(directory.path() + "/state", directory.path()), IsEmpty());
    const timespec long_ago[2] = {};
    ASSERT_EQ(utimensat(AT_FDCWD, lock.c_str(), long_ago, 0), 0);
    const Findings found = judge_locks(directory.path() + "/state", directory.path());
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(found[0].what, HasSubstr("is older than the machine's last start"));
}

TEST(Findings, AreJsonForPrograms) {
    const Result<Json> json =
        parse_json(findings_json({{Weight::problem, "gateway", "it is down", "start it"}}));
    ASSERT_TRUE(json);
    EXPECT_FALSE(bool_member(*json, "ok", true));
    EXPECT_EQ(text_member(member(*json, "findings")[0], "weight"), "problem");
    EXPECT_EQ(text_member(member(*json, "findings")[0], "cure"), "start it");
}

}  // namespace
}  // namespace cli
