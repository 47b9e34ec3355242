// What the commands print that list something: channels, sessions, agents, models, costs.

#include "workers/cli/commands/listings.h"

#include <gmock/gmock.h>

#include "tests/workers/cli/doubles.h"
#include "workers/cli/commands/channels.h"
#include "workers/cli/commands/gateway_probe.h"
#include "workers/cli/commands/message.h"

namespace cli {
namespace {

using cli_test::context_in;
using cli_test::Directory;
using testing::HasSubstr;

Json json(const char* text) {
    return *parse_json(text);
}

const Json& channels() {
    static const Json report = json(R"({
      "channelOrder": ["telegram"], "channelLabels": {"telegram": "Telegram"},
      "channelAccounts": {"telegram": [
        {"accountId": "default", "enabled": true, "configured": true, "running": false,
         "tokenSource": "env", "lastError": "this version has no Telegram worker yet"}]}})");
    return report;
}

TEST(ChannelsLogout, SaysWhatItHasDone) {
    EXPECT_EQ(logout_text(json(R"({"channel":"telegram","accountId":"default","cleared":true})")),
              "Logged out of telegram account default.\n");
    EXPECT_EQ(logout_text(json(R"({"channel":"telegram","accountId":"a","envToken":true})")),
              "The configuration has no token of telegram account a; its environment variable "
              "still lets it in.\n");
}

TEST(ChannelsList, TellsWhyOneDoesNotRun) {
    const std::string text = channels_text(channels(), Style{});
    EXPECT_THAT(text, HasSubstr("Telegram  default  yes      yes         env    not running  this "
                                "version has no Telegram worker yet"));
    EXPECT_THAT(channels_text(json(R"({"channelOrder": []})"), Style{}),
                HasSubstr("No channel is configured"));
    EXPECT_EQ(channels_list_json(channels()),
              json(R"({"chat": {"telegram": ["default"]}, "auth": []})"));
}

TEST(Sessions, AreListedAsOpenClawDoes) {
    const Json list = json(R"({"path": "p", "sessions": [{"key": "agent:main:main",
        "kind": "direct", "sessionId": "s", "updatedAt": 1000, "totalTokens": 500,
        "contextTokens": 2000, "model": "m"}]})");
    const Json shown = sessions_json(list, 5, 61'000);
    EXPECT_EQ(shown["count"], 1);
    EXPECT_EQ(shown["activeMinutes"], 5);
    EXPECT_EQ(shown["path"], "p");
    EXPECT_EQ(shown["sessions"][0]["ageMs"], 60'000);
    EXPECT_THAT(sessions_text(shown, Style{}), HasSubstr("agent:main:main  1 min  m"));
    EXPECT_THAT(sessions_text(shown, Style{}), HasSubstr("500/2000 (25%)"));
    EXPECT_EQ(sessions_text(json(R"({"sessions": []})"), Style{}), "Sessions: 0\n");
}

TEST(Sessions, AreReadFromAStore) {
    const Directory directory;
    directory.write("sessions.json", R"({"main": {"sessionId": "a", "updatedAt": 1000},
        "agent:main:discord:group:1": {"sessionId": "b", "updatedAt": 600000, "origin": {}}})");
    const std::string path = directory.path() + "/sessions.json";
    const Json all = *sessions_in_file(path, nullptr, 601'000);
    ASSERT_EQ(all["sessions"].size(), 2u);
    EXPECT_EQ(all["sessions"][0]["sessionId"], "b");
    EXPECT_EQ(all["sessions"][0]["kind"], "group");
    EXPECT_EQ((*sessions_in_file(path, 5, 601'000))["sessions"].size(), 1u);
    EXPECT_FALSE(sessions_in_file(path + "x", nullptr, 0));
}

TEST(Agents, AndModelsAreListedAsOpenClawDoes) {
    EXPECT_EQ(agents_json(json(R"({"defaultId": "main", "agents": [{"id": "main", "name": "M",
        "identity": {"name": "Crab", "emoji": "x"}, "workspace": "/w", "agentDir": "/d",
        "model": "p/m", "bindings": 0}, {"id": "ops", "bindings": 1, "routes": ["slack a"]}]})")),
              json(R"~([{"id": "main", "name": "M", "identityName": "Crab", "identityEmoji": "x",
        "identitySource": "config", "workspace": "/w", "agentDir": "/d", "model": "p/m",
        "bindings": 0, "isDefault": true, "routes": ["default (no explicit rules)"]},
        {"id": "ops", "bindings": 1, "isDefault": false, "routes": ["slack a"]}])~"));
    const Json models = json(R"({"models": [{"id": "a", "provider": "x", "name": "A",
        "input": ["text", "image"], "contextWindow": 9}, {"id": "b", "provider": "y"}]})");
    EXPECT_EQ(models_json(models, "")["count"], 2);
    EXPECT_EQ(models_json(models, "x")["models"],
              json(R"([{"key": "x/a", "name": "A", "input": "text+image", "contextWindow": 9,
        "local": null, "available": null, "tags": [], "missing": false}])"));
}

TEST(Probe, TellsWhetherTheGatewayCanBeReached) {
    Probe probe;
    probe.url = "ws://127.0.0.1:1";
    probe.error = "nobody listens";
    EXPECT_EQ(probe_json(probe, 1, 5, 3'000)["ok"], false);
    EXPECT_EQ(probe_json(probe, 1, 5, 3'000)["targets"][0]["connect"]["error"], "nobody listens");
    EXPECT_THAT(probe_text(probe, Style{}), HasSubstr("no: nobody listens"));
    probe.reached = true;
    probe.answers["health"] = {{"ok", true}};
    EXPECT_EQ(probe_json(probe, 1, 5, 3'000)["ok"], true);
    EXPECT_EQ(probe_json(probe, 1, 5, 3'000)["degraded"], false);
    EXPECT_THAT(probe_text(probe, Style{}), HasSubstr("health     ok"));
    probe.call_error = "config.get: missing scope";
    EXPECT_EQ(probe_json(probe, 1, 5, 3'000)["degraded"], true);
}

TEST(UsageCost, IsATableWithATotal) {
    const std::string text = usage_cost_text(
        json(R"({"days": 2, "daily": [{"date": "2026-01-30", "input": 5, "totalCost": 0.25}],
                 "totals": {"input": 5, "totalCost": 0.25, "missingCostEntries": 1}})"),
        Style{});
    EXPECT_THAT(text, HasSubstr("Usage of the last 2 days"));
    EXPECT_THAT(text, HasSubstr("$0.2500"));
    EXPECT_THAT(text, HasSubstr("price of the model is not known"));
}

TEST(MessageSend, RefusesByNameWhatTheMethodDoesNotKnow) {
    const Directory directory;
    for (const char* option : {"--reply-to=7", "--thread-id=7", "--silent"}) {
        const auto params = send_params(
            context_in(directory, "message send", {"-t", "1", "-m", "hi", option}).arguments,
            "key");
        ASSERT_FALSE(params) << option;
        EXPECT_THAT(params.error().what, testing::StartsWith(std::string(option).substr(
                                             0, std::string(option).find('='))))
            << option;
    }
}

TEST(MessageSend, NamesWhatIsMissing) {
    const Directory directory;
    const auto params = [&](const std::vector<std::string>& words) {
        return send_params(context_in(directory, "message send", words).arguments, "key");
    };
    EXPECT_THAT(params({"-m", "hi"}).error().what, HasSubstr("--target is missing"));
    EXPECT_THAT(params({"-t", "x"}).error().what, HasSubstr("--message is missing"));
    EXPECT_EQ(*params({"-t", "+1", "-m", "hi", "--channel", "telegram", "--media", "u"}),
              json(R"({"to": "+1", "message": "hi", "mediaUrl": "u", "channel": "telegram",
                       "idempotencyKey": "key"})"));
}

}  // namespace
}  // namespace cli
