#include "workers/telegram/bot_api.h"

#include <gmock/gmock.h>

#include "tests/support/telegram_double.h"
#include "workers/common/base/clock.h"

namespace telegram {

namespace {

using Kind = ApiFailure::Kind;
using testing::HasSubstr;
using testing::Not;

Kind kind_of(int status, const char* body) {
    const ApiAnswer answer = read_answer(status, body);
    EXPECT_FALSE(answer);
    return answer ? Kind::refused : answer.failure->kind;
}

class BotApiCall : public testing::Test {
  protected:
    BotApiCall()
        : client(*loop, {telegram.certificate_file()}),
          api(client, {telegram.url(), Secret(telegram.token())}) {}

    ApiAnswer call(const std::string& method, const Json& params) {
        ApiAnswer got;
        api.call(method, params, [&](const ApiAnswer& answer) {
            got.result = answer.result;
            if (!answer) got.failure = std::make_unique<ApiFailure>(*answer.failure);
            loop->stop(0);
        });
        loop->run();
        return got;
    }
    Kind failure_of(const std::string& method, const Json& params) {
        const ApiAnswer answer = call(method, params);
        EXPECT_FALSE(answer) << method;
        if (answer) return Kind::refused;
        EXPECT_THAT(answer.failure->description, Not(HasSubstr(telegram.token())));
        return answer.failure->kind;
    }

    TelegramDouble telegram;
    std::unique_ptr<Loop> loop = make_epoll_loop();
    ClientContext client;
    BotApi api;
};

const Json hello = {{"chat_id", 5}, {"text", "hello"}};

}  // namespace

TEST(BotApiAnswer, SaysWhatAFailureMeans) {
    EXPECT_EQ(kind_of(401, R"({"ok":false,"error_code":401,"description":"Unauthorized"})"),
              Kind::unauthorized);
    EXPECT_EQ(kind_of(404, R"({"ok":false,"error_code":404,"description":"Not Found"})"),
              Kind::unauthorized);
    EXPECT_EQ(
        kind_of(404,
                R"({"ok":false,"error_code":404,"description":"Not Found: method not found"})"),
        Kind::refused);
    EXPECT_EQ(kind_of(409, R"({"ok":false,"error_code":409,"description":"Conflict"})"),
              Kind::conflict);
    EXPECT_EQ(kind_of(400, R"({"ok":false,"error_code":400,"description":"Bad Request"})"),
              Kind::refused);
    EXPECT_EQ(kind_of(502, "<html>"), Kind::unavailable);
    EXPECT_EQ(kind_of(503, ""), Kind::unavailable);
    EXPECT_EQ(kind_of(500, "oops"), Kind::ambiguous);
    EXPECT_EQ(kind_of(504, ""), Kind::ambiguous);
    EXPECT_EQ(kind_of(200, "{\"ok\":tr"), Kind::ambiguous) << "it worked, and was cut";
    EXPECT_EQ(kind_of(500, R"({"ok":false,"error_code":500,"description":"Internal"})"),
              Kind::unavailable)
        << "it says itself that it did not work";
    EXPECT_EQ(kind_of(504, R"({"ok":false,"error_code":504})"), Kind::ambiguous);
    EXPECT_EQ(kind_of(200, R"({"ok":false,"error_code":420,"description":"FLOOD_WAIT_2",
        "parameters":{"retry_after":2}})"),
              Kind::too_many);
    EXPECT_EQ(kind_of(200, R"({"ok":false})"), Kind::refused);
}

TEST(BotApiAnswer, HasItsParameters) {
    const ApiAnswer answer = read_answer(429, R"({"ok":false,"error_code":429,"description":"x",
        "parameters":{"retry_after":7,"migrate_to_chat_id":-100}})");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.failure->retry_after, std::chrono::seconds(7));
    EXPECT_EQ(answer.failure->migrated_to, "-100");
    EXPECT_EQ(read_answer(200, R"({"ok":true,"result":{"a":1}})").result["a"], 1);
    const ApiAnswer terse = read_answer(429, R"({"ok":false,"error_code":429,
        "description":"Too Many Requests: retry after 5"})");
    EXPECT_EQ(terse.failure->retry_after, std::chrono::seconds(5));
    EXPECT_EQ(read_answer(429, R"({"ok":false})").failure->retry_after.count(), 0);
    EXPECT_EQ(read_answer(429, R"({"ok":false})", "3").failure->retry_after.count(), 3'000);
    EXPECT_EQ(read_answer(429, "<html>", "3").failure->retry_after.count(), 3'000);
    EXPECT_EQ(read_answer(429, "", "soon").failure->retry_after.count(), 0);
    EXPECT_EQ(read_answer(429, "", "nan").failure->retry_after.count(), 0);
    for (const char* told : {"1.5", "\"1.5\""})
        EXPECT_EQ(read_answer(
                      429, std::string(R"({"ok":false,"parameters":{"retry_after":)") + told + "}}")
                      .failure->retry_after.count(),
                  1'500)
            << told;
    EXPECT_EQ(read_answer(400, R"({"ok":false,"parameters":{"migrate_to_chat_id":"-100"}})")
                  .failure->migrated_to,
              "-100");
}

TEST(BotApiAnswer, ShowsNoToken) {
    const std::string token = "123456:AAF0test1token2for3the4double5only6";
    EXPECT_EQ(without_tokens("at /bot" + token + "/getMe, 12:30"), "at /bot***/getMe, 12:30");
}

TEST_F(BotApiCall, WorksOverTlsWithAKeptConnection) {
    EXPECT_EQ(call("getMe", Json::object()).result["username"], "mybot");
    telegram.say(5, 5, "hi");
    EXPECT_TRUE(call("sendMessage", hello));
    EXPECT_EQ(telegram.from_bot(5).at(0).text, "hello");
    EXPECT_EQ(telegram.connections(), 1u);
}

// Not every server has every method, and not all say so in Telegram's words.
TEST_F(BotApiCall, TakesWhatIsMissingForAMethodOnceItsTokenIsKnown) {
    TelegramFault missing;
    missing.code = 404;
    missing.description = "Not Found";
    missing.times = 2;
    telegram.fail("getWebhookInfo", missing);
    EXPECT_EQ(failure_of("getWebhookInfo", Json::object()), Kind::unauthorized);
    EXPECT_TRUE(call("getMe", Json::object()));
    EXPECT_EQ(failure_of("getWebhookInfo", Json::object()), Kind::refused);
    telegram.revoke_token();
    EXPECT_EQ(failure_of("getMe", Json::object()), Kind::unauthorized);
}

TEST_F(BotApiCall, TellsWhatMayHaveArrivedFromWhatCannotHave) {
    telegram.say(5, 5, "hi");
    telegram.fail("sendMessage", {TelegramFault::What::reset_after});
    EXPECT_EQ(failure_of("sendMessage", hello), Kind::ambiguous);
    EXPECT_EQ(telegram.from_bot(5).size(), 1u);
    telegram.fail("sendMessage", {TelegramFault::What::half_answer});
    EXPECT_EQ(failure_of("sendMessage", hello), Kind::ambiguous);
    telegram.fail("sendMessage", {TelegramFault::What::status, 503});
    EXPECT_EQ(failure_of("sendMessage", hello), Kind::unavailable);
    telegram.cut_connections();
    telegram.refuse_connections(true);
    api.close_poll_connection();
    EXPECT_NE(failure_of("getMe", Json::object()), Kind::refused);
}

TEST_F(BotApiCall, DownloadsNoMoreThanAsked) {
    telegram.add_file(std::string(1000, 'x'), "documents/a.txt");
    char folder[] = "/tmp/hardshell-api-XXXXXX";
    const std::string path = std::string(mkdtemp(folder)) + "/file";
    std::vector<Fault> faults;
    const auto fetch = [&](uint64_t most) {
        bool worked = false;
        api.download("documents/a.txt", path, most, [&](const Done& done) {
            worked = done.has_value();
            if (!done) faults.push_back(done.error().fault);
            loop->stop(0);
        });
        loop->run();
        return worked;
    };
    EXPECT_FALSE(fetch(999));
    EXPECT_THAT(faults, testing::ElementsAre(Fault::out_of_room));
    EXPECT_NE(access(path.c_str(), F_OK), 0) << "nothing is left of it";
    EXPECT_TRUE(fetch(1000));
    unlink(path.c_str());
    rmdir(folder);
}

TEST_F(BotApiCall, DownloadsWhateverAFileIsCalled) {
    telegram.add_file("x", "documents/my%20file%20%231%C3%A9.txt");
    char folder[] = "/tmp/hardshell-api-XXXXXX";
    const std::string path = std::string(mkdtemp(folder)) + "/file";
    Done outcome = Error{Fault::timed_out, "not called"};
    api.download("documents/my file #1\xc3\xa9.txt", path, 1000, [&](const Done& done) {
        outcome = done;
        loop->stop(0);
    });
    loop->run();
    EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().what);
    unlink(path.c_str());
    rmdir(folder);
}

}  // namespace telegram
