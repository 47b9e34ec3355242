#include "workers/cli/commands/gateway_run.h"

#include <gmock/gmock.h>

#include "tests/workers/cli/doubles.h"

namespace cli {
namespace {

using cli_test::context_in;
using cli_test::Directory;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Result<GatewayStart> start(const std::vector<std::string>& words,
                           const std::vector<std::pair<std::string, std::string>>& set = {}) {
    const Directory directory;
    Context context = context_in(directory, "gateway", words, set);
    context.state_dir = "/data";
    context.config_path = "/data/openclaw.json";
    context.run_dir = "/run/x";
    return gateway_start(context);
}

TEST(GatewayRun, HandsPathsAndOptionsToTheSupervisor) {
    const Result<GatewayStart> given =
        start({"--allow-unconfigured", "--port", "3000", "--bind=lan", "--compact"});
    ASSERT_TRUE(given);
    EXPECT_THAT(given->arguments,
                ElementsAre("--state-dir", "/data", "--config-path", "/data/openclaw.json",
                            "--run-dir", "/run/x", "--", "--port", "3000", "--bind", "lan",
                            "--allow-unconfigured", "--compact"));
    EXPECT_THAT(given->environment, IsEmpty());
}

TEST(GatewayRun, KeepsSecretsOutOfTheArguments) {
    const Result<GatewayStart> given = start({"--token", "T0ken", "--password", "Passw0rd"});
    ASSERT_TRUE(given);
    EXPECT_EQ(given->arguments.back(), "--");
    EXPECT_THAT(given->environment, ElementsAre(Pair("HARDSHELL_TOKEN_OPTION", "T0ken"),
                                                Pair("HARDSHELL_PASSWORD_OPTION", "Passw0rd")));
}

TEST(GatewayRun, RefusesBadValuesInTheKnownWords) {
    const std::pair<std::vector<std::string>, const char*> cases[] = {
        {{"--bind", "wan"},
         R"(Invalid --bind (use "loopback", "lan", "tailnet", "auto", or "custom"))"},
        {{"--port", "0"}, "Invalid port: \"0\" is no number from 1 to 65535"},
        {{"--port", "65536"}, "Invalid port: \"65536\" is no number from 1 to 65535"},
        {{"--port", "3000x"}, "Invalid port: \"3000x\" is no number from 1 to 65535"},
        {{"--auth", "none"}, R"(Invalid --auth (use "token" or "password"))"},
        {{"--tailscale", "on"}, R"(Invalid --tailscale (use "off", "serve", or "funnel"))"},
        {{"--ws-log", "all"}, R"(Invalid --ws-log (use "auto", "full", "compact"))"},
        {{"--reset"}, "Use --reset with --dev."},
    };
    for (const auto& [words, text] : cases) {
        const Result<GatewayStart> given = start(words);
        ASSERT_FALSE(given) << words[0];
        EXPECT_EQ(given.error().what, text);
    }
    EXPECT_TRUE(start({"--reset", "--dev"}));
    EXPECT_TRUE(start({"--reset"}, {{"OPENCLAW_PROFILE", "dev"}}));
}

}  // namespace
}  // namespace cli
