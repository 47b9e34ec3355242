// `hardshell config …` and `hardshell reload`, as built: with the real planner where no gateway
// runs, through the supervisor where one does.

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>

#include "tests/workers/cli/doubles.h"
#include "workers/common/base/json.h"

namespace cli {
namespace {

using cli_test::Directory;
using cli_test::hardshell_program;
using cli_test::last_reply;
using cli_test::Outcome;
using cli_test::SupervisorDouble;
using hardshell::proto::ControlRequest;
using testing::ElementsAre;
using testing::HasSubstr;

class Config : public testing::Test {
  protected:
    Directory directory;

    Config() { std::filesystem::create_directory(directory.path() + "/state"); }
    std::string path() const { return directory.path() + "/state/openclaw.json"; }
    Outcome hardshell(std::vector<std::string> words) const {
        words.insert(words.begin(), hardshell_program());
        return cli_test::run(words, {{"HOME", directory.path()},
                                     {"OPENCLAW_STATE_DIR", directory.path() + "/state"},
                                     {"HARDSHELL_RUN_DIR", directory.path() + "/run"}});
    }
};

TEST_F(Config, PrintsThePathOfTheFile) {
    EXPECT_EQ(hardshell({"config", "file"}).out, path() + "\n");
}

TEST_F(Config, PrintsAValue) {
    directory.write("state/openclaw.json", "{gateway: {port: 4001, bind: 'lan'}}");
    EXPECT_EQ(hardshell({"config", "get", "gateway.port"}).out, "4001\n");
    EXPECT_EQ(hardshell({"config", "get", "gateway.bind"}).out, "lan\n");
    EXPECT_EQ(hardshell({"config", "get", "gateway.bind", "--json"}).out, "\"lan\"\n");
    EXPECT_EQ(hardshell({"config", "get", "gateway"}).out,
              "{\n  \"port\": 4001,\n  \"bind\": \"lan\"\n}\n");
    const Outcome missing = hardshell({"config", "get", "gateway.nothing"});
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_EQ(missing.out, "");
    EXPECT_THAT(missing.err, HasSubstr("gateway.nothing"));
}

TEST_F(Config, TakesABotInAndPutsItOut) {
    directory.write("state/openclaw.json", "{\n}\n");
    const auto channels = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "channels");
        return hardshell(words);
    };
    const auto value = [&](const char* place) { return hardshell({"config", "get", place}).out; };
    const Outcome added = channels({"add", "--channel", "telegram", "--token", "123456:abc"});
    EXPECT_EQ(added.exit_code, 0) << added.err;
    EXPECT_THAT(added.out, HasSubstr("channels.telegram.botToken is set in "));
    EXPECT_THAT(added.out, Not(HasSubstr("123456")));
    EXPECT_EQ(value("channels.telegram.botToken"), "123456:abc\n");
    EXPECT_EQ(channels({"remove", "--channel", "telegram"}).exit_code, 0);
    EXPECT_EQ(value("channels.telegram.enabled"), "false\n");
    EXPECT_EQ(channels({"add", "--channel", "discord", "--account", "ops", "--token", "42"}).err,
              "");
    EXPECT_EQ(value("channels.discord.accounts.ops.token"), "42\n");
    EXPECT_EQ(channels({"remove", "--channel", "telegram", "--delete"}).exit_code, 0);
    EXPECT_EQ(hardshell({"config", "get", "channels.telegram.botToken"}).exit_code, 1);
    EXPECT_THAT(channels({"add", "--channel", "slack", "--token", "x"}).err, HasSubstr("slack"));
    EXPECT_THAT(channels({"add", "--channel", "discord"}).err, HasSubstr("--token is missing"));
    EXPECT_THAT(channels({"login"}).err, HasSubstr("hardshell channels add"));
}

TEST_F(Config, HidesTheSecretsOfASection) {
    directory.write("state/openclaw.json", "{gateway: {auth: {token: 's3cret-token'}}}");
    EXPECT_THAT(hardshell({"config", "get", "gateway"}).out, Not(HasSubstr("s3cret")));
    EXPECT_THAT(hardshell({"config", "get", "gateway", "--show-secrets"}).out,
                HasSubstr("s3cret-token"));
    EXPECT_EQ(hardshell({"config", "get", "gateway.auth.token"}).out, "s3cret-token\n");
}

TEST_F(Config, SetsAndUnsetsAValue) {
    directory.write("state/openclaw.json", "{\n  // mine\n  gateway: {port: 4001},\n}\n");
    const Outcome set = hardshell({"config", "set", "gateway.port", "4002"});
    EXPECT_EQ(set.exit_code, 0) << set.err;
    EXPECT_EQ(set.out, "gateway.port is set in " + path() + "\n");
    EXPECT_EQ(directory.read("state/openclaw.json"), "{\n  // mine\n  gateway: {port: 4002},\n}\n");
    const Outcome unset = hardshell({"config", "unset", "gateway.port"});
    EXPECT_EQ(unset.exit_code, 0) << unset.err;
    EXPECT_EQ(directory.read("state/openclaw.json"), "{\n  // mine\n  gateway: {},\n}\n");
    EXPECT_TRUE(directory.has("state/openclaw.json.bak.1"));
}

TEST_F(Config, RefusesAValueThatDoesNotFit) {
    directory.write("state/openclaw.json", "{}");
    const Outcome wrong = hardshell({"config", "set", "gateway.port", "many"});
    EXPECT_EQ(wrong.exit_code, 1);
    EXPECT_THAT(wrong.err, HasSubstr("gateway.port: expected a whole number"));
    EXPECT_EQ(directory.read("state/openclaw.json"), "{}");
    const Outcome short_of_one = hardshell({"config", "set", "gateway.port"});
    EXPECT_EQ(short_of_one.exit_code, 1);
    EXPECT_THAT(short_of_one.err, HasSubstr("<path> <value>"));
}

TEST_F(Config, SaysWhetherTheFileCanBeUsed) {
    directory.write("state/openclaw.json", "{nope: 1}");
    const Outcome good = hardshell({"config", "validate"});
    EXPECT_EQ(good.exit_code, 0);
    EXPECT_THAT(good.out, HasSubstr("warning: " + path() + ":1:2: nope"));
    directory.write("state/openclaw.json", "{gateway: {port: ''}}");
    const Outcome bad = hardshell({"config", "validate"});
    EXPECT_EQ(bad.exit_code, 1);
    EXPECT_THAT(bad.out, HasSubstr(path() + ":1:18: gateway.port"));
    const Outcome json = hardshell({"config", "validate", "--json"});
    EXPECT_EQ(json.exit_code, 1);
    const Result<Json> said = parse_json(json.out);
    ASSERT_TRUE(said) << json.out;
    EXPECT_EQ((*said)["valid"], false);
    EXPECT_EQ((*said)["path"], path());
    EXPECT_EQ((*said)["issues"][0]["path"], "gateway.port");
}

TEST_F(Config, AsksTheRunningGatewaysPlanner) {
    std::vector<std::string> asked;
    const SupervisorDouble supervisor(directory, [&](const ControlRequest& request) {
        asked.assign(request.arguments().begin(), request.arguments().end());
        auto reply = last_reply();
        if (request.verb() == "config")
            reply.mutable_config()->set_payload_json(
                R"({"ok":true,"path":"/x","changed":true,"reloadMode":"off"})");
        return SupervisorDouble::Replies{reply};
    });
    const Outcome set = hardshell({"config", "set", "gateway.port", "4002"});
    EXPECT_THAT(set.out, HasSubstr("`hardshell reload` applies it")) << set.err;
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_EQ(asked[0], "value.set");
    EXPECT_EQ((*parse_json(asked[1]))["path"], "gateway.port");
    EXPECT_FALSE(directory.has("state/openclaw.json")) << "it wrote behind the gateway's back";
}

TEST_F(Config, IsReadAgainOnRequest) {
    std::atomic<bool> valid = true;
    std::vector<std::string> verbs;
    const SupervisorDouble supervisor(directory, [&](const ControlRequest& request) {
        verbs.push_back(request.verb());
        auto reply = last_reply();
        if (request.verb() == "config")
            reply.mutable_config()->set_payload_json(
                valid ? R"({"path":"/x","valid":true,"errors":[]})"
                      : R"({"path":"/x","valid":false,"errors":["/x:1:2: bad"]})");
        return SupervisorDouble::Replies{reply};
    });
    EXPECT_EQ(hardshell({"reload"}).exit_code, 0);
    EXPECT_THAT(verbs, ElementsAre("config", "reload"));
    valid = false;
    const Outcome bad = hardshell({"reload"});
    EXPECT_EQ(bad.exit_code, 1);
    EXPECT_THAT(bad.out, HasSubstr("/x:1:2: bad"));
}

TEST_F(Config, CannotBeReadAgainWhereNoGatewayRuns) {
    const Outcome outcome = hardshell({"reload"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("no gateway is running"));
}

}  // namespace
}  // namespace cli
