#include "workers/telegram/webhook.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/support/telegram_double.h"
#include "workers/telegram/webhook_requests.h"

namespace telegram {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WebhookTest : public testing::Test {
  protected:
    WebhookTest()
        : client(*loop, {telegram.certificate_file()}),
          api(client, {telegram.url(), Secret(telegram.token())}),
          webhook(
              *loop, api, "https://bot.example/telegram-webhook", Secret("s3cret_-"),
              {[this](const Update& update) { taken.push_back(update.id); },
               [this] { loop->stop(0); },
               [this](const std::string& why) { troubles.push_back(why); }, [](const Error&) {}}) {}

    void take(const std::string& body) {
        webhook.take(body, [this](int status) { answers.push_back(status); });
    }

    TelegramDouble telegram;
    std::unique_ptr<Loop> loop = make_epoll_loop();
    ClientContext client;
    BotApi api;
    std::vector<int64_t> taken;
    std::vector<int> answers;
    std::vector<std::string> troubles;
    Webhook webhook;
};

constexpr const char* message = R"({"update_id":7,"message":{"message_id":1,"text":"a",
    "chat":{"id":5,"type":"private"},"from":{"id":5}}})";

}  // namespace

TEST_F(WebhookTest, TellsTelegramWhereToSendAndWithWhichSecret) {
    ASSERT_TRUE(webhook.check());
    webhook.start();
    loop->run();
    EXPECT_EQ(telegram.webhook_url(), "https://bot.example/telegram-webhook");
    EXPECT_EQ(telegram.calls("setWebhook").at(0).params.at("secret_token"), "s3cret_-");
}

TEST_F(WebhookTest, TellsTelegramWhereTheTunnelIsNow) {
    webhook.move_to("");
    EXPECT_EQ(troubles.size(), 1u) << "nowhere";
    webhook.move_to("https://one.example/telegram-webhook");
    // It moves on while Telegram is being told: the last word is the latest.
    webhook.move_to("https://two.example/telegram-webhook");
    loop->run();
    EXPECT_EQ(telegram.webhook_url(), "https://two.example/telegram-webhook");
    // The same address again, after it was gone: Telegram has given up on it meanwhile.
    const size_t told = telegram.calls("setWebhook").size();
    webhook.move_to("");
    EXPECT_EQ(troubles.size(), 2u);
    EXPECT_EQ(telegram.calls("setWebhook").size(), told) << "it keeps what people write";
    webhook.move_to("https://two.example/telegram-webhook");
    loop->run();
    EXPECT_EQ(telegram.calls("setWebhook").size(), told + 1);
    webhook.move_to("https://two.example/telegram-webhook");
    EXPECT_EQ(troubles.size(), 2u);
}

TEST_F(WebhookTest, WillNotBeWithoutASecret) {
    for (const std::string& secret :
         {std::string(), std::string("no blanks"), std::string(257, 'x')}) {
        const Webhook other(*loop, api, "https://bot.example/x", Secret(secret), {});
        EXPECT_EQ(other.check().error().fault, Fault::bad_config);
        EXPECT_FALSE(other.is_from_telegram(secret.empty() ? "" : "x"));
    }
    EXPECT_TRUE(webhook.is_from_telegram("s3cret_-"));
    EXPECT_FALSE(webhook.is_from_telegram("s3cret_"));
    EXPECT_FALSE(webhook.is_from_telegram(""));
}

TEST_F(WebhookTest, AnswersOnlyWhenTheUpdateIsSettled) {
    take(message);
    EXPECT_THAT(taken, ElementsAre(7));
    EXPECT_THAT(answers, IsEmpty());
    take(message);
    EXPECT_THAT(taken, ElementsAre(7)) << "sent again while it is under way";
    webhook.settle(7);
    EXPECT_THAT(answers, ElementsAre(200, 200));
    take(message);
    EXPECT_THAT(taken, ElementsAre(7));
    EXPECT_THAT(answers, ElementsAre(200, 200, 200));
}

TEST_F(WebhookTest, RefusesWhatIsNoUpdate) {
    take("{");
    take("{}");
    take(std::string(Webhook::largest_body + 1, ' '));
    EXPECT_THAT(answers, ElementsAre(400, 400, 413));
    take(R"({"update_id":8,"poll":{}})");
    EXPECT_EQ(answers.back(), 200);
    EXPECT_THAT(taken, IsEmpty());
}

TEST_F(WebhookTest, LooksAtTheSecretBeforeAnythingElse) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;  // without a name: the kernel gives it one
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
    ASSERT_EQ(listen(listener, 8), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    WebhookRequests requests(*loop, {listener}, webhook);
    const auto ask = [&](const std::string& request) {
        const Fd sender(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(connect(sender.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(send(sender.get(), request.data(), request.size(), 0),
                  static_cast<ssize_t>(request.size()));
        std::string answer;
        const auto watch = loop->watch(sender.get(), Loop::readable, [&](unsigned) {
            char bytes[1024];
            const ssize_t got = recv(sender.get(), bytes, sizeof bytes, MSG_DONTWAIT);
            if (got > 0) answer.append(bytes, static_cast<size_t>(got));
            if (got == 0) loop->stop(0);
        });
        const auto settling = loop->every(std::chrono::milliseconds(1), [&] {
            if (!taken.empty()) webhook.settle(taken.back());
        });
        loop->run();
        return answer.substr(0, 12);
    };
    const auto post = [](const std::string& headers, const std::string& body) {
        return "POST /telegram-webhook HTTP/1.1\r\nHost: h\r\n" + headers +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    };
    const std::string right = "X-Telegram-Bot-Api-Secret-Token: s3cret_-\r\n";
    // The body never comes, and is not waited for.
    EXPECT_EQ(ask("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n"), "HTTP/1.1 401");
    EXPECT_EQ(ask(post("X-Telegram-Bot-Api-Secret-Token: s3cret\r\n", message)), "HTTP/1.1 401");
    EXPECT_THAT(taken, IsEmpty());
    EXPECT_EQ(ask(post(right, message)), "HTTP/1.1 200");
    EXPECT_THAT(taken, ElementsAre(7));
    EXPECT_EQ(ask(post(right, "nonsense")), "HTTP/1.1 400");
    EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: h\r\n" + right + "\r\n"), "HTTP/1.1 405");
    EXPECT_EQ(ask("POST / HTTP/1.1\r\nHost: h\r\n" + right + "Content-Length: 2000000\r\n\r\n"),
              "HTTP/1.1 413");
}

}  // namespace telegram
