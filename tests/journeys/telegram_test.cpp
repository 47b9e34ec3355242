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

    HardshellProcess::Options at_telegram(const std::string& text) {
        models.answer_with([](const ModelRequestSeen&) {
            ModelReply reply;
            reply.text = "An answer.";
            return reply;
        });
        HardshellProcess::Options options;
        options.config = text;
        options.environment = {{"MODEL_URL", models.url()},
                               {"TELEGRAM_BOT_TOKEN", telegram.token()},
                               {"HARDSHELL_TELEGRAM_API_URL", telegram.url()},
                               {"NODE_EXTRA_CA_CERTS", telegram.certificate_file()}};
        return options;
    }
    // The configuration with that in place of the channel's policy.
    static std::string with_channel(const std::string& settings) {
        constexpr std::string_view policy = R"("dmPolicy": "DM_POLICY", "allowFrom": ALLOW_FROM)";
        std::string text = config;
        return text.replace(text.find(policy), policy.size(), settings);
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

// The owner's file says it from then on, so that it holds when everything begins anew.
TEST_F(TelegramJourney, AGroupThatBecomesASupergroupKeepsItsSettings) {
    constexpr int64_t before = -5;
    constexpr int64_t after = -1001234567890;
    start(at_telegram(with_channel(
        R"("groupPolicy": "open", "groups": {"-5": {"requireMention": false}} /* the shop */)")));
    telegram.add_chat({{"id", before}, {"type", "group"}, {"title", "Shop"}});
    telegram.say(before, ann, "hello");
    const auto answers_in = [&](int64_t chat, size_t count) {
        return telegram.wait(
            [&](const TelegramDouble& seen) { return seen.from_bot(chat).size() >= count; });
    };
    ASSERT_TRUE(answers_in(before, 1));
    telegram.migrate(before, after);
    telegram.say(before, ann, "", {{"migrate_to_chat_id", after}});
    telegram.say(after, ann, "", {{"migrate_from_chat_id", before}});
    ASSERT_TRUE(hardshell->wait_line("channels.telegram.groups in openclaw.json names it so"));
    const auto shown = hardshell->command({"config", "get", "channels.telegram.groups"});
    EXPECT_NE(shown.output.find("-1001234567890"), std::string::npos) << shown.output;
    EXPECT_EQ(shown.output.find("\"-5\""), std::string::npos) << shown.output;
    ASSERT_EQ(hardshell->stop(), 0);
    ASSERT_TRUE(hardshell->start_and_wait());
    telegram.say(after, ann, "are you still there?");
    EXPECT_TRUE(answers_in(after, 1));
}

// Two bots of one owner, a process each.
class TwoTelegramBots : public TelegramJourney {
  protected:
    static TelegramDouble::Options second() {
        TelegramDouble::Options options;
        options.token = "654321:BBF0test1token2for3the4second5bot6";
        options.username = "opsbot";
        return options;
    }
    TwoTelegramBots() { telegram.also_serve(ops); }

    std::string accounts(const std::string& token, const std::string& more) const {
        return with_channel(
            R"("dmPolicy": "open", "allowFrom": ["*"], "accounts": {"default": {}, )"
            R"("ops": {"botToken": ")" +
            token + "\"" + more + "}}");
    }
    // The first bot waits for messages, and has nothing else to ask.
    bool is_settled() const {
        return telegram.wait([](const TelegramDouble& seen) {
            const auto polls = seen.calls("getUpdates");
            return seen.is_polled() && !polls.empty() &&
                   polls.back().params.value("timeout", 0) > 0;
        });
    }
    // What only a process that begins asks.
    size_t beginnings() const {
        return telegram.calls("getMe").size() + telegram.calls("deleteWebhook").size();
    }
    static bool is_answered_by(const TelegramDouble& bot, size_t times) {
        return bot.wait(
            [&](const TelegramDouble& seen) { return seen.from_bot(ann).size() >= times; });
    }
    void reload(const std::string& text) {
        hardshell->write_config(text);
        EXPECT_EQ(hardshell->command({"reload"}).exit_code, 0);
    }

    TelegramDouble ops{second()};
};

TEST_F(TwoTelegramBots, AChangeOfOneAccountTouchesOnlyThatOne) {
    start(at_telegram(accounts(ops.token(), "")));
    telegram.say(ann, ann, "hello");
    ops.say(ann, ann, "hello, too");
    ASSERT_TRUE(is_answered_by(telegram, 1));
    ASSERT_TRUE(is_answered_by(ops, 1));
    ASSERT_TRUE(is_settled());
    const pid_t first = hardshell->worker("telegram");
    const pid_t second = hardshell->worker("telegram:ops");
    const size_t began = beginnings();
    reload(accounts(ops.token(), R"(, "streamMode": "off")"));
    ASSERT_GT(hardshell->wait_worker_replaced("telegram:ops", second), 0);
    telegram.say(ann, ann, "meanwhile");
    ops.say(ann, ann, "and you?");
    EXPECT_TRUE(is_answered_by(telegram, 2));
    EXPECT_TRUE(is_answered_by(ops, 2));
    EXPECT_EQ(hardshell->worker("telegram"), first);
    EXPECT_EQ(beginnings(), began) << "its poll was never given up";
}

TEST_F(TwoTelegramBots, ATokenIsForOneAccountOnly) {
    start(at_telegram(accounts(ops.token(), "")));
    ASSERT_TRUE(is_settled());
    const pid_t first = hardshell->worker("telegram");
    const size_t began = beginnings();
    reload(accounts(telegram.token(), ""));
    const auto said = hardshell->wait_line("account ops has the same token as telegram");
    ASSERT_TRUE(said);
    EXPECT_NE(said->find("give it a bot of its own"), std::string::npos) << *said;
    EXPECT_EQ(hardshell->log().find(telegram.token()), std::string::npos);
    for (const Deadline deadline(patience); hardshell->worker("telegram:ops") != 0;)
        ASSERT_FALSE(deadline.over());
    telegram.say(ann, ann, "hello");
    EXPECT_TRUE(is_answered_by(telegram, 1));
    EXPECT_EQ(telegram.from_bot(ann).size(), 1u);
    EXPECT_EQ(hardshell->worker("telegram"), first);
    EXPECT_EQ(beginnings(), began);
}
