// The built program, from outside: exit codes, both outputs, and what it becomes.

#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "tests/workers/cli/doubles.h"
#include "workers/common/base/json.h"

namespace cli {
namespace {

using cli_test::Directory;
using cli_test::GatewayDouble;
using cli_test::hardshell_program;
using cli_test::healthy_report;
using cli_test::last_reply;
using cli_test::Outcome;
using cli_test::status_reply;
using cli_test::SupervisorDouble;
using hardshell::proto::ControlRequest;
using hardshell::proto::StatusReport;
using hardshell::proto::WorkerStatus;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Outcome hardshell(const Directory& directory, std::vector<std::string> words,
                  std::vector<std::pair<std::string, std::string>> more = {}) {
    words.insert(words.begin(), hardshell_program());
    more.emplace_back("HOME", directory.path());
    more.emplace_back("OPENCLAW_STATE_DIR", directory.path() + "/state");
    more.emplace_back("HARDSHELL_RUN_DIR", directory.path() + "/run");
    return cli_test::run(words, more);
}

TEST(Program, PrintsItsVersion) {
    const Directory directory;
    const Outcome outcome = hardshell(directory, {"--version"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.out,
              "hardshell " HARDSHELL_VERSION " (OpenClaw protocol 3, compatible with 2026.1.29)\n");
}

TEST(Program, PrintsHelpOfBothPrograms) {
    const Directory directory;
    EXPECT_THAT(hardshell(directory, {"--help"}).out, HasSubstr("gateway call <method>"));
    EXPECT_THAT(hardshell(directory, {"status", "--help"}).out, HasSubstr("Exit code: 0"));
    EXPECT_THAT(hardshell(directory, {"agent", "-h"}).out, HasSubstr("--session-id ID"));
    EXPECT_THAT(hardshell(directory, {"help", "logs"}).out, HasSubstr("--follow"));
    EXPECT_EQ(hardshell(directory, {}).exit_code, 1);
}

// A fly.toml written for OpenClaw's image has its command appended to our entrypoint.
TEST(Program, UnderstandsCommandsWrittenForTheStockImage) {
    const Directory directory;
    const Outcome outcome = hardshell(directory, {"node", "dist/index.js", "--version"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_THAT(outcome.out, StartsWith("hardshell "));
    EXPECT_THAT(hardshell(directory, {"node", "/app/openclaw.mjs", "agent", "--help"}).out,
                HasSubstr("--session-id ID"));
    EXPECT_EQ(hardshell(directory, {"node", "other.js", "--version"}).exit_code, 1);
}

TEST(Program, IsNotTakenForACommandWhenItIsNamedTwice) {
    const Directory directory;
    for (const char* name : {"hardshell", "openclaw", "/usr/local/bin/hardshell"})
        EXPECT_THAT(hardshell(directory, {name, "agent", "--help"}).out,
                    HasSubstr("--session-id ID"));
}

TEST(Program, RefusesWhatItDoesNotKnow) {
    const Directory directory;
    const Outcome misspelt = hardshell(directory, {"statsu"});
    EXPECT_EQ(misspelt.exit_code, 1);
    EXPECT_EQ(misspelt.err,
              "hardshell: \"statsu\" is not a command; did you mean `hardshell status`?\n");
    EXPECT_THAT(misspelt.out, IsEmpty());
    EXPECT_EQ(hardshell(directory, {"--profile", "../x", "status"}).exit_code, 2);
    EXPECT_EQ(hardshell(directory, {"gateway", "--bind", "wan"}).exit_code, 1);
}

TEST(Program, AnswersToTheStockNameToo) {
    const Directory directory;
    std::string stock = hardshell_program();
    stock.replace(stock.rfind('/') + 1, std::string::npos, "openclaw");
    const std::vector<std::pair<std::string, std::string>> home = {{"HOME", directory.path()}};
    EXPECT_THAT(cli_test::run({stock, "--help"}, home).out, StartsWith("Usage: openclaw "));
    EXPECT_THAT(cli_test::run({stock, "pairing", "list", "--help"}, home).out,
                StartsWith("Usage: openclaw pairing list"));
    EXPECT_EQ(cli_test::run({stock, "statsu"}, home).err,
              "openclaw: \"statsu\" is not a command; did you mean `openclaw status`?\n");
}

TEST(Program, SaysThatNoGatewayRuns) {
    const Directory directory;
    for (const char* command : {"status", "logs", "stop"}) {
        const Outcome outcome = hardshell(directory, {command});
        EXPECT_EQ(outcome.exit_code, 1) << command;
        EXPECT_THAT(outcome.err, StartsWith("hardshell: no gateway is running")) << command;
        EXPECT_THAT(outcome.out, IsEmpty()) << command;
    }
    const Outcome json = hardshell(directory, {"status", "--json"});
    EXPECT_EQ(json.exit_code, 1);
    EXPECT_FALSE(bool_member(*parse_json(json.out), "running", true));
}

TEST(Program, EndsStatusWithTwoWhenAWorkerIsNotReady) {
    const Directory directory;
    std::atomic<WorkerStatus::State> state = WorkerStatus::READY;
    const SupervisorDouble supervisor{directory, [&](const ControlRequest&) {
                                          StatusReport report = healthy_report();
                                          report.mutable_workers(0)->set_state(state);
                                          return SupervisorDouble::Replies{status_reply(report)};
                                      }};
    EXPECT_EQ(hardshell(directory, {"status"}).exit_code, 0);
    state = WorkerStatus::WAITING;
    const Outcome outcome = hardshell(directory, {"status"});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.out, HasSubstr("waiting"));
    EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
}

TEST(Program, PrintsLogLines) {
    const Directory directory;
    const SupervisorDouble supervisor{directory, [&](const ControlRequest& request) {
                                          auto reply = last_reply();
                                          auto& line = *reply.add_lines();
                                          line.set_worker(request.arguments(0));
                                          line.set_text("asked for " + request.arguments(1));
                                          return SupervisorDouble::Replies{reply};
                                      }};
    const Outcome outcome = hardshell(directory, {"logs", "agent", "-n", "7"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_EQ(outcome.out, "1970-01-01T00:00:00.000Z [agent] asked for 7\n");
}

TEST(Program, SaysHowManyLogLinesThereCanBe) {
    const Directory directory;
    const Outcome outcome = hardshell(directory, {"logs", "--lines", "10001"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("from 1 to 10000"));
}

TEST(Program, WaitsForARestartedWorkersNextLife) {
    const Directory directory;
    StatusReport report = healthy_report();
    std::atomic<int> looks = 0;
    const SupervisorDouble supervisor{directory, [&](const ControlRequest& request) {
                                          WorkerStatus& agent = *report.mutable_workers(1);
                                          if (request.verb() == "restart") {
                                              EXPECT_EQ(request.arguments(0), "agent");
                                              agent.set_state(WorkerStatus::STARTING);
                                              agent.set_incarnation(2);
                                              agent.set_pid(222);
                                              return SupervisorDouble::Replies{last_reply()};
                                          }
                                          if (++looks == 3) agent.set_state(WorkerStatus::READY);
                                          return SupervisorDouble::Replies{status_reply(report)};
                                      }};
    const Outcome outcome = hardshell(directory, {"restart", "agent"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("agent is ready again"));
    EXPECT_THAT(outcome.out, HasSubstr("process 222"));
    EXPECT_EQ(looks, 3);
    EXPECT_THAT(hardshell(directory, {"restart", "nobody"}).err, HasSubstr("gateway, agent"));
}

// A copy of the program in a place of its own, with a supervisor that shows what it was given.
class Installed : public testing::Test {
  protected:
    Installed() {
        std::filesystem::copy_file(hardshell_program(), directory_.path() + "/hardshell");
        directory_.write("libexec/hardshell/supervisor",
                         "#!/bin/sh\nfor word in \"$@\"; do echo \"$word\"; done\n"
                         "echo \"token=$HARDSHELL_TOKEN_OPTION port=$OPENCLAW_GATEWAY_PORT\"\n"
                         "exit 7\n",
                         0755);
    }
    Outcome start(std::vector<std::string> words,
                  std::vector<std::pair<std::string, std::string>> variables) {
        words.insert(words.begin(), directory_.path() + "/hardshell");
        return cli_test::run(words, variables);
    }
    Directory directory_;
};

TEST_F(Installed, BecomesTheSupervisor) {
    const Outcome outcome =
        start({"gateway", "run", "--allow-unconfigured", "--port", "3000", "--token", "T0ken"},
              {{"OPENCLAW_STATE_DIR", "/data/"}, {"HARDSHELL_RUN_DIR", "/run/x"}});
    EXPECT_EQ(outcome.exit_code, 7);
    EXPECT_EQ(outcome.out,
              "--state-dir\n/data\n--config-path\n/data/openclaw.json\n--run-dir\n/run/x\n--\n"
              "--port\n3000\n--allow-unconfigured\ntoken=T0ken port=\n");
}

TEST_F(Installed, TurnsAProfileIntoItsOwnStateDirectory) {
    const Outcome outcome = start({"--dev", "gateway"}, {{"HOME", directory_.path()}});
    EXPECT_THAT(outcome.out, HasSubstr("--state-dir\n" + directory_.path() + "/.openclaw-dev\n"));
    EXPECT_THAT(outcome.out, HasSubstr("port=19001"));
}

TEST_F(Installed, SaysWhichProgramIsMissing) {
    const Outcome outcome = start({"agent", "-m", "x"}, {{"HOME", directory_.path()}});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("/libexec/hardshell/client: No such file"));
}

// The client against a gateway: the token comes from the environment, the port too.
class Conversation : public testing::Test {
  protected:
    static std::vector<std::string> answer(const std::string& text) {
        if (text.empty())
            return {R"({"type":"event","event":"connect.challenge","payload":{"nonce":"n"}})"};
        const Json request = *parse_json(text);
        const std::string id = text_member(request, "id");
        const std::string method = text_member(request, "method");
        const auto response = [&](const Json& payload) {
            return print_json({{"type", "res"}, {"id", id}, {"ok", true}, {"payload", payload}});
        };
        if (method == "connect") {
            const std::string token = text_member(member_at(request, "params.auth"), "token");
            if (token != "T0ken") return {"CLOSE 1008 unauthorized"};
            return {response({{"protocol", 3}})};
        }
        if (method == "agent") {
            const std::string said = text_member(member(request, "params"), "message");
            Json payloads = Json::array();
            payloads.push_back({{"text", "you said " + said}});
            return {response({{"status", "accepted"}}),
                    response({{"status", "ok"}, {"result", {{"payloads", payloads}}}})};
        }
        return {response({{"ok", method == "health"}, {"method", method}})};
    }
    Outcome ask(std::vector<std::string> words) {
        return hardshell(directory_, words,
                         {{"OPENCLAW_GATEWAY_TOKEN", "T0ken"},
                          {"OPENCLAW_GATEWAY_PORT", std::to_string(gateway_.port())}});
    }
    Directory directory_;
    GatewayDouble gateway_{answer};
};

TEST_F(Conversation, PrintsTheAnswer) {
    const Outcome outcome = ask({"agent", "-m", "hello"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "you said hello\n");
}

TEST_F(Conversation, PrintsTheWholePayloadAsJson) {
    const Outcome outcome = ask({"agent", "-m", "hello", "--json"});
    EXPECT_EQ(outcome.out, R"({"status":"ok","result":{"payloads":[{"text":"you said hello"}]}})"
                           "\n");
}

TEST_F(Conversation, CallsAnyMethod) {
    EXPECT_EQ(ask({"gateway", "call", "models.list", "--json"}).out,
              "{\"ok\":false,\"method\":\"models.list\"}\n");
    EXPECT_EQ(ask({"gateway", "call", "x", "--params", "[1]"}).exit_code, 1);
    EXPECT_EQ(ask({"health"}).exit_code, 0);
    EXPECT_EQ(ask({"gateway", "health"}).exit_code, 0);
    EXPECT_EQ(ask({"gateway", "status"}).exit_code, 0);
    EXPECT_EQ(ask({"health", "--verbose", "--json", "--timeout", "5000"}).exit_code, 0);
    EXPECT_EQ(ask({"gateway", "probe", "--json"}).exit_code, 0);
    EXPECT_EQ(ask({"channels", "status", "--probe", "--json"}).out,
              "{\n  \"ok\": false,\n  \"method\": \"channels.status\"\n}\n");
    EXPECT_THAT(ask({"message", "send", "-t", "x", "-m", "y", "--json"}).out,
                HasSubstr("\"method\": \"send\""));
    EXPECT_THAT(ask({"gateway", "usage-cost", "--days", "7", "--json"}).out,
                HasSubstr("usage.cost"));
}

TEST_F(Conversation, EndsWithOneWhenTheTokenIsWrong) {
    const Outcome outcome = ask({"health", "--token", "wrong"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("(unauthorized)"));
}

}  // namespace
}  // namespace cli
