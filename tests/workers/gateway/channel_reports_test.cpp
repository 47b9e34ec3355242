#include "workers/gateway/channel_reports.h"

#include <gmock/gmock.h>

namespace gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Json channels() {
    return *parse_json(R"({
      "telegram": {"defaultAccount": "default", "accounts": {
        "default": {"enabled": true, "configured": true, "tokenSource": "env", "mode": "polling"},
        "ops": {"name": "Operations", "enabled": false, "configured": true,
                "tokenSource": "config", "mode": "webhook"}}},
      "discord": {"defaultAccount": "default", "accounts": {
        "default": {"enabled": true, "configured": false, "tokenSource": "none"}}}
    })");
}

WorkerState worker(const std::string& name, WorkerState::State state) {
    WorkerState status;
    status.set_name(name);
    status.set_state(state);
    status.set_started_ms(1'000);
    return status;
}

std::string refusal(const std::string& channel, const std::string& account = "") {
    const auto refused = outbound_refusal(channels(), {}, channel, account);
    return refused ? refused->code + ": " + refused->message : "";
}

TEST(ChannelReports, AreEmptyWhereNoChannelIsConfigured) {
    const Json report = channels_report(Json::object(), {}, 5);
    EXPECT_EQ(report["ts"], 5);
    for (const char* list : {"channelOrder", "channelMeta"})
        EXPECT_EQ(report[list], Json::array()) << list;
    for (const char* table : {"channelLabels", "channelDetailLabels", "channelSystemImages",
                              "channels", "channelAccounts", "channelDefaultAccountId"})
        EXPECT_EQ(report[table], Json::object()) << table;
    EXPECT_EQ(report.size(), 9u);
}

TEST(ChannelReports, SayWhyAnAccountDoesNotRun) {
    const Json report = channels_report(channels(), {}, 5);
    EXPECT_EQ(report["channelOrder"], Json::parse(R"(["telegram", "discord"])"));
    EXPECT_EQ(report["channelMeta"][1]["detailLabel"], "Discord Bot");
    EXPECT_EQ(report["channelDefaultAccountId"]["telegram"], "default");
    const Json& telegram = report["channelAccounts"]["telegram"];
    ASSERT_EQ(telegram.size(), 2u);
    EXPECT_EQ(telegram[0]["configured"], true);
    EXPECT_EQ(telegram[0]["running"], false);
    EXPECT_EQ(telegram[0]["tokenSource"], "env");
    EXPECT_THAT(text_member(telegram[0], "lastError"), HasSubstr("no worker runs for Telegram"));
    EXPECT_EQ(telegram[1]["lastError"], "disabled");
    EXPECT_EQ(telegram[1]["name"], "Operations");
    EXPECT_EQ(report["channels"]["telegram"]["mode"], "polling");
    EXPECT_EQ(report["channels"]["discord"]["lastError"], "not configured");
    EXPECT_FALSE(report["channels"]["discord"].contains("mode"));
}

TEST(ChannelReports, TellWhatTheWorkerOfAnAccountDoes) {
    WorkerStates workers = {worker("telegram", WorkerState::READY)};
    Json telegram = channels_report(channels(), workers, 5)["channels"]["telegram"];
    EXPECT_EQ(telegram["running"], true);
    EXPECT_EQ(telegram["lastStartAt"], 1'000);
    EXPECT_EQ(telegram["lastError"], nullptr);
    EXPECT_FALSE(outbound_refusal(channels(), workers, "telegram", ""));
    workers[0].set_state(WorkerState::HELD);
    workers[0].set_last_end("the token was refused");
    telegram = channels_report(channels(), workers, 5)["channels"]["telegram"];
    EXPECT_EQ(telegram["running"], false);
    EXPECT_EQ(telegram["lastError"], "the token was refused");
}

TEST(ChannelReports, ShowWhatARunningAccountSaysOfItself) {
    Json all = channels();
    all["telegram"]["accounts"]["default"]["live"] = Json::parse(
        R"({"connected": false, "lastError": "the platform is away", "lastInboundAt": 7,
            "probe": {"ok": false}, "lastProbeAt": 8, "linked": true})");
    WorkerStates workers = {worker("telegram", WorkerState::READY)};
    const Json report = channels_report(all, workers, 5);
    const Json& account = report["channelAccounts"]["telegram"][0];
    EXPECT_EQ(account["connected"], false);
    EXPECT_EQ(account["lastError"], "the platform is away");
    EXPECT_EQ(account["lastInboundAt"], 7);
    EXPECT_EQ(account["probe"]["ok"], false);
    EXPECT_FALSE(account.contains("linked"));
    EXPECT_EQ(report["channels"]["telegram"]["lastProbeAt"], 8);
    workers[0].set_state(WorkerState::WAITING);
    EXPECT_FALSE(
        channels_report(all, workers, 5)["channelAccounts"]["telegram"][0].contains("connected"))
        << "what an ended process said is nobody's word";
}

TEST(ChannelReports, AreInHealthAndStatusToo) {
    Json report = {{"channels", Json::object()},
                   {"channelOrder", Json::array()},
                   {"channelLabels", Json::object()}};
    add_channels_health(report, channels(), {});
    EXPECT_EQ(report["channels"]["telegram"]["accountId"], "default");
    EXPECT_EQ(report["channels"]["telegram"]["accounts"]["ops"]["enabled"], false);
    EXPECT_EQ(report["channelLabels"]["discord"], "Discord");
    EXPECT_THAT(channel_lines(channels(), {}),
                ElementsAre("Telegram: no worker runs for Telegram: channels are switched off, "
                            "or this version has none for it; nothing is received or sent",
                            "Telegram (ops): disabled", "Discord: not configured"));
}

TEST(OutboundMessages, AreRefusedWithTheChannelAndTheReason) {
    EXPECT_EQ(refusal("carrier-pigeon"),
              "INVALID_REQUEST: unsupported channel: carrier-pigeon (configured: telegram, "
              "discord)");
    EXPECT_THAT(refusal(""), HasSubstr("channel whatsapp (the usual channel where none is named) "
                                       "is not configured"));
    EXPECT_THAT(refusal("telegram"), HasSubstr("account default, is not running: no worker runs"));
    EXPECT_THAT(refusal("telegram", "ops"), HasSubstr("is not running: disabled"));
    EXPECT_EQ(refusal("telegram", "no"), "INVALID_REQUEST: channel telegram has no account no");
    EXPECT_THAT(refusal("discord"), HasSubstr("not configured"));
    EXPECT_THAT(refusal("webchat"), HasSubstr("chat.send"));
}

TEST(ChannelLogout, IsForChannelsThatHaveOne) {
    const auto why = [](const std::string& channel, const std::string& account = "") {
        const auto refused = logout_refusal(channels(), channel, account);
        return refused ? refused->message : "";
    };
    EXPECT_EQ(why("telegram"), "");
    EXPECT_EQ(why("discord"), "");
    EXPECT_EQ(why("slack"), "channel slack does not support logout");
    EXPECT_THAT(why("nowhere"), HasSubstr("invalid channels.logout channel: nowhere"));
    EXPECT_EQ(why("telegram", "x"), "channel telegram has no account x");
}

}  // namespace
}  // namespace gateway
