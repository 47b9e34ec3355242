// Each worker is a process of its own, with its own user and only its own secrets.

#include <unistd.h>

#include <set>

#include "tests/journeys/journey.h"

namespace {

class Isolation : public Journey {
  protected:
    static constexpr const char* model_key = "sk-ant-journey-0123456789abcdef";
    static HardshellProcess::Options with_key() {
        HardshellProcess::Options options;
        options.environment["ANTHROPIC_API_KEY"] = model_key;
        options.environment["OPENAI_API_KEY"] = "sk-openai-journey-0123456789";
        options.environment["TELEGRAM_BOT_TOKEN"] = "123456:journey-telegram-token";
        options.environment["SOME_UNRELATED_SECRET"] = "unrelated-journey-secret";
        return options;
    }
    static std::vector<std::string> secrets() {
        return {model_key, "sk-openai-journey-0123456789", "123456:journey-telegram-token",
                "unrelated-journey-secret", HardshellProcess::token};
    }
};

TEST_F(Isolation, KeepsSecretsOutOfEveryEnvironmentAndCommandLine) {
    start(with_key());
    const auto below = hardshell->descendants();
    ASSERT_GE(below.size(), 2u);
    for (const ProcessEntry& entry : below) {
        const std::string seen = read_proc(entry.pid, "environ") + read_proc(entry.pid, "cmdline");
        EXPECT_FALSE(read_proc(entry.pid, "cmdline").empty()) << entry.name;
        for (const std::string& secret : secrets())
            EXPECT_EQ(seen.find(secret), std::string::npos) << entry.name;
    }
    for (const std::string& secret : secrets())
        EXPECT_EQ(read_proc(hardshell->pid(), "cmdline").find(secret), std::string::npos);
}

TEST_F(Isolation, KeepsSecretsOutOfTheLog) {
    HardshellProcess::Options options = with_key();
    options.environment["OPENCLAW_LOG_LEVEL"] = "debug";
    options.environment["HARDSHELL_LOG_LEVEL"] = "trace";
    start(options);
    GatewayClient client = connect();
    GatewayClient::Options wrong = owner();
    wrong.token += "x";
    GatewayClient().connect(hardshell->port(), wrong);
    client.request("health");
    ASSERT_EQ(hardshell->stop(), 0);
    for (const std::string& secret : secrets())
        EXPECT_EQ(hardshell->log().find(secret), std::string::npos) << secret;
}

TEST_F(Isolation, GivesEachWorkerAUserOfItsOwn) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can give workers users of their own";
    start();
    ASSERT_TRUE(hardshell->wait_line("the tools worker offers"));
    std::set<uid_t> users;
    size_t workers = 0;
    for (const ProcessEntry& entry : hardshell->descendants()) {
        if (entry.name != "gateway" && entry.name != "agent" && entry.name != "tools") continue;
        ++workers;
        users.insert(entry.user);
        EXPECT_NE(entry.user, 0u) << entry.name << " runs as root";
    }
    EXPECT_EQ(workers, 3u);
    EXPECT_EQ(users.size(), workers);
}

TEST_F(Isolation, LetsNoWorkerGainRights) {
    start();
    ASSERT_TRUE(hardshell->wait_line("the tools worker offers"));
    for (const ProcessEntry& entry : hardshell->descendants()) {
        const std::string status = read_proc(entry.pid, "status");
        EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << entry.name;
        EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos) << entry.name;
        // The launcher keeps what shutting commands in takes, and reads nothing from outside.
        if (geteuid() == 0 && entry.name != "tools-launcher") {
            EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << entry.name;
        }
    }
}

TEST_F(Isolation, HoldsAWorkerThatTriesToGetOut) {
    HardshellProcess::Options options;
    options.programs = {{"agent", "tests/support/break_out"}};
    hardshell = std::make_unique<HardshellProcess>(options);
    hardshell->start();
    ASSERT_TRUE(hardshell->wait_line("ways out"));
    size_t held = 0;
    for (const std::string& line : hardshell->lines()) {
        EXPECT_EQ(line.find("BROKE OUT"), std::string::npos) << line;
        held += line.find("[agent] held: ") != std::string::npos;
    }
    EXPECT_GE(held, geteuid() == 0 ? 30u : 19u);
}

TEST_F(Isolation, LogsEachWorkerUnderItsName) {
    start();
    EXPECT_TRUE(hardshell->wait_line("[gateway] "));
    EXPECT_TRUE(hardshell->wait_line("[agent] "));
}

}  // namespace
