// Which channel accounts get a process, and what each is told.
#include <gmock/gmock.h>

#include "tests/workers/planner/planner_fixture.h"
#include "workers/planner/channel_accounts.h"

namespace {

using planner::ChannelKind;
using planner::PlannedAccount;
using testing::HasSubstr;

class ChannelAccounts : public PlannerTest {
  protected:
    std::vector<PlannedAccount> planned(const std::string& config) {
        static const ChannelKind kinds[] = {
            {"discord", {"DISCORD_BOT_TOKEN"}, true},
            {"telegram", {"TELEGRAM_BOT_TOKEN"}, true},
            {"slack", {"SLACK_BOT_TOKEN"}, false},
        };
        said = planner::Notices();
        return planner::planned_accounts(kinds, Json::parse(config), path(), variables, said);
    }
    void variable(const std::string& name, const std::string& value) {
        variables.add(name, value, "environment variable " + name);
    }
    std::string notices() const {
        std::string text;
        for (const auto& notice : said.all()) text += notice.text() + "\n";
        return text;
    }
    static std::string token_of(const PlannedAccount& account) {
        return account.secrets.empty() ? "" : account.secrets.front().value;
    }

    planner::Environment variables;
    planner::Notices said;
};

TEST_F(ChannelAccounts, ComeFromSectionsAndVariables) {
    EXPECT_TRUE(planned("{}").empty());
    variable("TELEGRAM_BOT_TOKEN", "1:env\n");
    auto accounts = planned("{}");
    ASSERT_EQ(accounts.size(), 1u);
    EXPECT_EQ(accounts[0].worker, "telegram");
    EXPECT_EQ(accounts[0].account, "default");
    EXPECT_EQ(accounts[0].secrets[0].name, "channels.telegram.botToken");
    EXPECT_EQ(token_of(accounts[0]), "1:env");
    accounts = planned(R"({"channels": {"discord": {"token": "Bot abc"},
                                        "telegram": {"enabled": false},
                                        "slack": {"botToken": "x"}}})");
    ASSERT_EQ(accounts.size(), 1u);
    EXPECT_EQ(accounts[0].worker, "discord");
    EXPECT_EQ(token_of(accounts[0]), "abc");
}

TEST_F(ChannelAccounts, EachHaveTheirOwnSectionOverTheChannels) {
    const auto accounts = planned(R"({
        "commands": {"native": false}, "models": {"x": 1},
        "agents": {"list": [{"id": "main", "model": "secret/model", "identity": {"name": "Max"}}]},
        "channels": {"defaults": {"groupPolicy": "open"}, "discord": {"enabled": false},
                     "telegram": {"historyLimit": 5, "dmPolicy": "open", "botToken": "1:base",
                                  "accounts": {"default": {}, "ops": {"dmPolicy": "allowlist",
                                      "botToken": "2:ops", "webhookSecret": "hush"}}}}})");
    ASSERT_EQ(accounts.size(), 2u);
    EXPECT_EQ(accounts[0].worker, "telegram");
    EXPECT_EQ(token_of(accounts[0]), "1:base");
    const PlannedAccount& ops = accounts[1];
    EXPECT_EQ(ops.worker, "telegram:ops");
    EXPECT_EQ(token_of(ops), "2:ops");
    EXPECT_EQ(ops.secrets.back().name, "channels.telegram.webhookSecret");
    const Json& section = ops.config["channels"]["telegram"];
    EXPECT_EQ(section["historyLimit"], 5);
    EXPECT_EQ(section["dmPolicy"], "allowlist");
    EXPECT_FALSE(section.contains("accounts"));
    EXPECT_FALSE(section.contains("botToken"));
    EXPECT_EQ(ops.config["channels"]["defaults"]["groupPolicy"], "open");
    EXPECT_FALSE(ops.config["channels"].contains("discord"));
    EXPECT_FALSE(ops.config.contains("models"));
    EXPECT_EQ(ops.config["agents"]["list"][0]["identity"]["name"], "Max");
    EXPECT_FALSE(ops.config["agents"]["list"][0].contains("model"));
    EXPECT_EQ(print_json(ops.config).find("hush"), std::string::npos);
}

TEST_F(ChannelAccounts, TakeATokenFromTheFirstPlaceThatHasOne) {
    variable("TELEGRAM_BOT_TOKEN", "5:env");
    write("token", "3:file\n");
    const std::string file = path("token");
    const auto first = [&](const std::string& section) {
        const auto accounts = planned(R"({"channels": {"telegram": )" + section + "}}");
        return accounts.empty() ? "none" : token_of(accounts.front());
    };
    EXPECT_EQ(
        first(R"({"accounts": {"default": {"tokenFile": ")" + file + R"(", "botToken": "1:x"}}})"),
        "3:file");
    EXPECT_EQ(first(R"({"botToken": "4:base", "accounts": {"default": {"botToken": "1:x"}}})"),
              "1:x");
    EXPECT_EQ(first(R"({"botToken": "4:base"})"), "4:base");
    EXPECT_EQ(first(R"({"dmPolicy": "open"})"), "5:env");
    EXPECT_EQ(first(R"({"tokenFile": "/nowhere", "botToken": "4:base"})"), "");
    EXPECT_THAT(notices(), HasSubstr("channels.telegram.tokenFile: /nowhere cannot be read"));
    EXPECT_EQ(first(R"({"botToken": "4:base", "accounts": {"ops": {}}})"), "")
        << "the channel's own is the default account's";
    EXPECT_THAT(notices(), HasSubstr("channels.telegram.accounts.ops.botToken"));
}

TEST_F(ChannelAccounts, DoNotShareAToken) {
    const auto accounts = planned(R"({"channels": {"telegram": {"accounts": {
        "default": {"botToken": "1:same"}, "ops": {"botToken": " 1:same "},
        "off": {"enabled": false, "botToken": "1:same"}}}}})");
    ASSERT_EQ(accounts.size(), 1u);
    EXPECT_EQ(accounts[0].worker, "telegram");
    EXPECT_THAT(notices(), HasSubstr("account ops has the same token as telegram"));
    EXPECT_EQ(notices().find("1:same"), std::string::npos);
    EXPECT_EQ(notices().find("account off"), std::string::npos);
}

TEST_F(ChannelAccounts, AreNoneWhereTheOwnerSkipsChannels) {
    variable("OPENCLAW_SKIP_CHANNELS", "1");
    EXPECT_TRUE(planned(R"({"channels": {"telegram": {"botToken": "1:x"}}})").empty());
}

}  // namespace
