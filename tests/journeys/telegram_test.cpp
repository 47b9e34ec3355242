// A person writes to a Telegram bot and is answered: the whole tree, over TLS to the double of
// Telegram, with a model double behind the agent.

#include <signal.h>

#include "tests/journeys/journey.h"
#include "tests/journeys/model_config.h"
#include "tests/support/model_double.h"
#include "tests/support/telegram_double.h"

using namespace std::chrono_literals;

namespace {

constexpr int64_t ann = 555;
const std::string config = config_with_model(R"(
  "channels": {"telegram": {"dmPolicy": "DM_POLICY", "allowFrom": ALLOW_FROM}})");

class TelegramJourney : public Journey {
  protected:
    void start_with(const std::string& policy, const std::string& allowed) {
        std::string text = config;
        text.replace(text.find("DM_POLICY"), 9, policy);
        text.replace(text.find("ALLOW_FROM"), 10, allowed);
        models.answer_with([](const ModelRequestSeen&) {
            ModelReply reply;
            reply.text = "**An answer** from the model.";
            return reply;
        });
        HardshellProcess::Options options;
        options.config = text;
        options.environment = telegram.environment();
        options.environment["MODEL_URL"] = models.url();
        start(std::move(options));
    }
    void TearDown() override {
        Journey::TearDown();
        hardshell.reset();
    }
    bool is_answered(size_t times) const {
        return telegram.wait([&](const TelegramDouble& seen) {
            return seen.from_bot(ann).size() >= times && seen.unconfirmed() == 0;
        });
    }

    ModelDouble models;
    TelegramDouble telegram;
};

}  // namespace

TEST_F(TelegramJourney, APersonIsAnsweredOnceWhoeverIsKilled) {
    start_with("open", R"(["*"])");
    telegram.say(ann, ann, "hello");
    ASSERT_TRUE(is_answered(1));
    EXPECT_EQ(telegram.from_bot(ann)[0].text, "An answer from the model.");
    size_t expected = 1;
    for (const char* victim : {"telegram", "agent"}) {
        telegram.say(ann, ann, std::string("say it while the ") + victim + " dies");
        kill(hardshell->worker(victim), SIGKILL);
        ASSERT_TRUE(is_answered(++expected)) << victim;
    }
    telegram.say(ann, ann, "and the last one");
    ASSERT_TRUE(is_answered(++expected));
    EXPECT_EQ(telegram.from_bot(ann).size(), expected) << "nobody was answered twice";
}

TEST_F(TelegramJourney, AWebhookBringsWhatPeopleWriteWhoeverIsKilled) {
    models.answer_with([](const ModelRequestSeen&) {
        ModelReply reply;
        reply.text = "An answer.";
        return reply;
    });
    HardshellProcess::Options options;
    options.environment = telegram.environment();
    options.environment["MODEL_URL"] = models.url();
    hardshell = std::make_unique<HardshellProcess>(std::move(options));
    std::string text = config;
    text.replace(text.find(R"("dmPolicy": "DM_POLICY", "allowFrom": ALLOW_FROM)"), 48,
                 R"("dmPolicy": "open", "allowFrom": ["*"], "webhookSecret": "s3cret_-", )"
                 R"("webhookUrl": "http://127.0.0.1:)" +
                     std::to_string(hardshell->port()) + R"(/telegram-webhook")");
    hardshell->write_config(text);
    ASSERT_TRUE(hardshell->start_and_wait());
    telegram.say(ann, ann, "hello");
    ASSERT_TRUE(is_answered(1));
    EXPECT_TRUE(telegram.calls("getUpdates").empty());
    const auto forged = [&](const std::string& headers) {
        return http_post(hardshell->port(), "/telegram-webhook",
                         R"({"update_id":1,"message":{"message_id":1,"text":"a",)"
                         R"("chat":{"id":555,"type":"private"},"from":{"id":555}}})",
                         "", headers)
            .status;
    };
    EXPECT_EQ(forged(""), 401);
    EXPECT_EQ(forged("X-Telegram-Bot-Api-Secret-Token: s3cret_\r\n"), 401);
    EXPECT_EQ(http_get(hardshell->port(), "/telegram-webhook").status, 405);
    size_t expected = 1;
    for (const char* victim : {"telegram", "gateway", "agent"}) {
        kill(hardshell->worker(victim), SIGKILL);
        telegram.say(ann, ann, std::string("say it while the ") + victim + " dies");
        ASSERT_TRUE(is_answered(++expected)) << victim;
    }
    EXPECT_EQ(telegram.from_bot(ann).size(), expected) << "nobody was answered twice";
}

TEST_F(TelegramJourney, AStrangerIsLetInByTheOwner) {
    start_with("pairing", "[]");
    telegram.say(ann, ann, "may I?");
    ASSERT_TRUE(is_answered(1));
    const std::string told = telegram.from_bot(ann)[0].text;
    const size_t at = told.find("Pairing code: ");
    ASSERT_NE(at, std::string::npos) << told;
    const std::string code = told.substr(at + 14, 8);
    const auto approved = hardshell->command({"pairing", "approve", "telegram", code});
    ASSERT_EQ(approved.exit_code, 0) << approved.output;
    const size_t so_far = telegram.from_bot(ann).size();
    telegram.say(ann, ann, "thank you");
    ASSERT_TRUE(telegram.wait([&](const TelegramDouble& seen) {
        const auto sent = seen.from_bot(ann);
        return sent.size() > so_far && sent.back().text == "An answer from the model.";
    }));
}

TEST_F(TelegramJourney, ARevokedTokenHoldsTheWorkerAndNobodyElse) {
    start_with("open", R"(["*"])");
    ASSERT_TRUE(telegram.wait([](const TelegramDouble& seen) { return seen.is_polled(); }));
    const pid_t agent = hardshell->worker("agent");
    telegram.revoke_token();
    ASSERT_TRUE(hardshell->wait_line("Telegram refuses the bot token"));
    ASSERT_TRUE(hardshell->wait_line("TELEGRAM_BOT_TOKEN"));
    EXPECT_EQ(hardshell->worker("agent"), agent);
    EXPECT_EQ(hardshell->log().find(telegram.token()), std::string::npos);
}
