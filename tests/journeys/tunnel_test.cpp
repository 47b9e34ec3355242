// A machine that nobody can reach is reached through a tunnel: the whole tree with the agents of
// ngrok and Tailscale played by programs of the same names, and a Telegram webhook behind them.

#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/journeys/journey.h"
#include "tests/journeys/model_config.h"
#include "tests/support/model_double.h"
#include "tests/support/telegram_double.h"

using namespace std::chrono_literals;

namespace {

constexpr int64_t ann = 555;
constexpr const char* secret = "webhook-secret_1";
constexpr const char* ngrok_token = "2TheTokenOfAnAccountNobodyMaySee";
const std::string config = config_with_model(R"(
  "channels": {"telegram": {"dmPolicy": "open", "allowFrom": ["*"],
    "webhookUrl": "WEBHOOK_URL",
    "webhookSecret": "webhook-secret_1"}},
  "plugins": {"entries": {"voice-call": {"enabled": true, "config": {
    "provider": "twilio", "fromNumber": "+15550001111",
    "twilio": {"accountSid": "AC0123456789", "authToken": "a-twilio-token"},
    "tunnel": {"provider": "TUNNEL"}}}}})");

class TunnelJourney : public Journey {
  protected:
    void prepare(const std::string& tunnel, const std::string& webhook_url = {}) {
        models.answer_with([](const ModelRequestSeen&) {
            ModelReply reply;
            reply.text = "An answer.";
            return reply;
        });
        HardshellProcess::Options options;
        options.environment = telegram.environment();
        options.environment["MODEL_URL"] = models.url();
        options.environment["NGROK_AUTHTOKEN"] = ngrok_token;
        options.environment["HARDSHELL_TUNNEL_PATH"] =
            std::string(std::getenv("HARDSHELL_BUILD")) + "/tests/support/agents";
        hardshell = std::make_unique<HardshellProcess>(std::move(options));
        std::string text = config;
        const auto put = [&](const std::string& mark, const std::string& value) {
            text.replace(text.find(mark), mark.size(), value);
        };
        put("WEBHOOK_URL",
            !webhook_url.empty()
                ? webhook_url
                : "http://127.0.0.1:" + std::to_string(hardshell->port()) + "/telegram-webhook");
        put("TUNNEL", tunnel);
        hardshell->write_config(text);
        std::filesystem::create_directory(folder());
    }
    void TearDown() override {
        Journey::TearDown();
        hardshell.reset();
    }
    std::string folder() const { return hardshell->state_dir() + "/tunnel"; }
    void control(const std::string& json) const {
        std::ofstream(hardshell->state_dir() + "/double.json") << json;
        std::filesystem::rename(hardshell->state_dir() + "/double.json", folder() + "/double.json");
    }
    std::string started() const {
        std::ifstream file(folder() + "/started.jsonl");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    // What tailscaled serves.
    Json served() const {
        std::ifstream file(folder() + "/served.json");
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const Result<Json> read = parse_json(text);
        return read ? *read : Json("nothing is known of it");
    }
    // Where the agent was last told to lead to.
    uint16_t upstream() const {
        const std::string text = started(), mark = "http://127.0.0.1:";
        const size_t at = text.rfind(mark);
        if (at == std::string::npos) return 0;
        return static_cast<uint16_t>(std::stoi(text.substr(at + mark.size())));
    }
    bool status_says(const std::string& text) const {
        const Deadline deadline(patience);
        std::string seen;
        while (!deadline.over()) {
            seen = hardshell->command({"status"}).output;
            if (seen.find(text) != std::string::npos) return true;
        }
        ADD_FAILURE() << "status never said \"" << text << "\":\n" << seen;
        return false;
    }
    static HttpAnswer webhook(uint16_t port, const std::string& shown, const std::string& body) {
        return http_post(port, "/telegram-webhook", body, "",
                         "X-Telegram-Bot-Api-Secret-Token: " + shown + "\r\n");
    }

    ModelDouble models;
    TelegramDouble telegram;
};

}  // namespace

TEST_F(TunnelJourney, LeadsToPublicPathsAndNothingElse) {
    prepare("ngrok");
    ASSERT_TRUE(hardshell->start_and_wait());
    ASSERT_TRUE(hardshell->wait_line("ngrok tunnel active: https://one.ngrok.app"));
    EXPECT_TRUE(status_says("https://one.ngrok.app (ngrok)"));
    const uint16_t port = upstream();
    ASSERT_NE(port, 0);
    ASSERT_NE(port, hardshell->port());
    for (const char* path : {"/", "/healthz", "/v1/chat/completions", "/metrics", "/tools/invoke"})
        EXPECT_EQ(http_get(port, path).status, 404) << path;
    ASSERT_TRUE(telegram.wait([](const auto& seen) { return !seen.webhook_url().empty(); }));
    EXPECT_EQ(webhook(port, "wrong", "{}").status, 401);
    EXPECT_EQ(webhook(port, secret, R"({"update_id":5,"poll":{}})").status, 200);
    // The gateway says it to its clients, and Prometheus.
    GatewayClient client = connect();
    const Json health = client.request("health", {{"probe", true}});
    EXPECT_EQ(text_member(member(member(health, "payload"), "tunnel"), "url"),
              "https://one.ngrok.app");
    // The token is the agent's alone.
    EXPECT_NE(started().find(ngrok_token), std::string::npos);
    EXPECT_EQ(hardshell->log().find(ngrok_token), std::string::npos);
    EXPECT_EQ(hardshell->stop(), 0);
}

TEST_F(TunnelJourney, SaysWhatItsAddressHasBecome) {
    prepare("ngrok");
    ASSERT_TRUE(hardshell->start_and_wait());
    ASSERT_TRUE(hardshell->wait_line("ngrok tunnel active: https://one.ngrok.app"));
    control(R"({"url":"https://two.ngrok.app"})");
    EXPECT_TRUE(status_says("https://two.ngrok.app (ngrok)"));
    control(R"({"url":"https://two.ngrok.app","lost":true})");
    EXPECT_TRUE(status_says("degraded (ngrok)"));
    EXPECT_NE(hardshell->command({"doctor"}).output.find("degraded (ngrok)"), std::string::npos);
    control("{}");
    EXPECT_TRUE(status_says("https://one.ngrok.app (ngrok)"));
}

TEST_F(TunnelJourney, TelegramIsToldEveryAddressThatItHas) {
    prepare("ngrok", "tunnel");
    const auto is_told = [&](const std::string& origin) {
        return telegram.wait([&](const TelegramDouble& seen) {
            return seen.webhook_url() == origin + "/telegram-webhook";
        });
    };
    ASSERT_TRUE(hardshell->start_and_wait());
    ASSERT_TRUE(is_told("https://one.ngrok.app"));
    control(R"({"url":"https://two.ngrok.app"})");
    EXPECT_TRUE(is_told("https://two.ngrok.app"));
    // Whoever dies: what Telegram was told last holds, or is told again.
    kill(hardshell->worker("telegram"), SIGKILL);
    control(R"({"url":"https://three.ngrok.app"})");
    EXPECT_TRUE(is_told("https://three.ngrok.app"));
    kill(hardshell->worker("tunnel"), SIGKILL);
    control(R"({"url":"https://four.ngrok.app"})");
    EXPECT_TRUE(is_told("https://four.ngrok.app"));
    EXPECT_TRUE(telegram.calls("deleteWebhook").empty());
    EXPECT_TRUE(telegram.calls("getUpdates").empty());
    EXPECT_EQ(webhook(upstream(), secret, R"({"update_id":5,"poll":{}})").status, 200);
}

TEST_F(TunnelJourney, IsBackWhoeverWasKilledAndLeavesNoAgentBehind) {
    prepare("ngrok");
    ASSERT_TRUE(hardshell->start_and_wait());
    ASSERT_TRUE(hardshell->wait_line("ngrok tunnel active"));
    const size_t before = hardshell->line_count();
    const pid_t worker = hardshell->worker("tunnel");
    std::vector<ProcessEntry> agents;
    for (const ProcessEntry& entry : hardshell->descendants())
        if (entry.name == "ngrok") agents.push_back(entry);
    ASSERT_EQ(agents.size(), 1u);
    kill(worker, SIGKILL);
    ASSERT_TRUE(hardshell->wait_line("ngrok tunnel active", before));
    EXPECT_TRUE(HardshellProcess::still_running(agents, 5s).empty());
    EXPECT_TRUE(status_says("https://one.ngrok.app (ngrok)"));
    const auto running = hardshell->descendants();
    control(R"({"ignores_sigterm":true})");
    EXPECT_EQ(hardshell->stop(), 0);
    EXPECT_TRUE(HardshellProcess::still_running(running, 5s).empty());
}

TEST_F(TunnelJourney, IsHeldWhereOnlyTheOwnerCanHelp) {
    prepare("ngrok");
    control(R"({"fail":{"code":108,"text":"Your account is limited to 1 agent session."}})");
    ASSERT_TRUE(hardshell->start_and_wait());
    ASSERT_TRUE(hardshell->wait_line("ERR_NGROK_108"));
    EXPECT_TRUE(status_says("held"));
    EXPECT_TRUE(status_says("ERR_NGROK_108"));
    // Everything else serves: Telegram reaches the gateway's own port.
    telegram.say(ann, ann, "hello");
    EXPECT_TRUE(telegram.wait([](const TelegramDouble& seen) {
        return seen.from_bot(ann).size() == 1 && seen.unconfirmed() == 0;
    }));
    control("{}");
    EXPECT_EQ(hardshell->command({"restart", "tunnel"}).exit_code, 0);
    EXPECT_TRUE(status_says("https://one.ngrok.app (ngrok)"));
}

TEST_F(TunnelJourney, PublishesWithTailscaleAndTakesItBack) {
    prepare("tailscale-funnel");
    // Worse than in life, where it goes with its command: what it served stays.
    control(R"({"logged_in":true,"keeps":true})");
    ASSERT_TRUE(hardshell->start_and_wait());
    EXPECT_TRUE(status_says("https://box.tail1234.ts.net (tailscale-funnel)"));
    const uint16_t port = upstream();
    EXPECT_EQ(http_get(port, "/healthz").status, 404);
    EXPECT_EQ(webhook(port, "wrong", "{}").status, 401);
    EXPECT_TRUE(served().contains("Foreground")) << print_json(served());
    EXPECT_EQ(hardshell->stop(), 0);
    EXPECT_EQ(print_json(served()), "{}");
    EXPECT_EQ(started().find("--bg"), std::string::npos);
    EXPECT_NE(started().find("\"funnel\",\"--https=443\""), std::string::npos);
}
