// Which paths there are, and what is checked before a body is read.

#include <gtest/gtest.h>

#include "workers/gateway/body_budget.h"
#include "workers/gateway/http_reply.h"
#include "workers/gateway/routes_table.h"

namespace gateway {
namespace {

constexpr const char* token = "a-token-0123456789";

GatewaySettings settings_of(const char* config) {
    return read_gateway_settings(*parse_json(config), false);
}

const GatewaySettings everything = settings_of(
    R"({"hooks":{"enabled":true,"path":"in/","maxBodyBytes":100},"gateway":{"http":{"endpoints":{
        "chatCompletions":{"enabled":true},"responses":{"enabled":true,"maxBodyBytes":5000}}}}})");

class HttpRoutes : public testing::Test {
  protected:
    HttpRoutes() {
        ask.method = "POST";
        ask.source.limiter_key = "192.0.2.1";
    }
    // 0: served.
    int status(const std::string& path, const GatewaySettings& settings = everything) {
        ask.path = path;
        const Route* route = find_route(path, settings);
        if (!route) return -1;
        refusal = refusal_of(ask, *route, settings, secrets, limiter, 1000);
        return refusal ? refusal->status : 0;
    }

    SharedAuth owner{AuthMode::token, Secret(token), Secret()};
    HttpSecrets secrets{owner, SharedAuth(AuthMode::token, Secret("hook-token"), Secret())};
    AttemptLimiter limiter;
    HttpAsk ask;
    std::optional<HttpAnswer> refusal;
};

TEST_F(HttpRoutes, AreThereAsConfigured) {
    const GatewaySettings nothing = settings_of("{}");
    for (const char* path : {"/in", "/in/wake", "/v1/responses", "/v1/chat/completions"}) {
        EXPECT_EQ(find_route(path, nothing), nullptr) << path;
        EXPECT_NE(find_route(path, everything), nullptr) << path;
    }
    for (const char* path : {"/", "/inx", "/v1/chat/completions/x", "/tools/invoke/x", "/hooks"})
        EXPECT_EQ(find_route(path, everything), nullptr) << path;
    EXPECT_NE(find_route("/tools/invoke", nothing), nullptr);
    EXPECT_EQ(status("/__openclaw__/canvas/x"), 404);
}

TEST_F(HttpRoutes, AskForTheOwnersSecret) {
    EXPECT_EQ(status("/tools/invoke"), 401);
    EXPECT_EQ(refusal->content(), R"({"error":{"message":"Unauthorized","type":"unauthorized"}})");
    ask.bearer = Secret("wrong");
    EXPECT_EQ(status("/v1/chat/completions"), 401);
    ask.bearer = Secret(token);
    EXPECT_EQ(status("/v1/chat/completions"), 0);
    EXPECT_EQ(status("/v1/responses"), 0);
    ask.method = "GET";
    EXPECT_EQ(status("/v1/responses"), 405);
    EXPECT_NE(refusal->head.find("Allow: POST"), std::string::npos);
    EXPECT_EQ(refusal->content(), "Method Not Allowed");
}

TEST_F(HttpRoutes, TakeTheHooksTokenFromThreePlaces) {
    EXPECT_EQ(status("/in/wake"), 401);
    EXPECT_EQ(refusal->content(), "Unauthorized");
    ask.bearer = Secret(token);
    EXPECT_EQ(status("/in/wake"), 401) << "the owner's secret is another one";
    ask.bearer = {};
    ask.query_token = Secret("hook-token");
    EXPECT_EQ(status("/in/wake"), 0);
    ask.openclaw_token = Secret("wrong");
    EXPECT_EQ(status("/in/wake"), 401) << "the first place counts";
    ask.bearer = Secret("hook-token");
    EXPECT_EQ(status("/in/wake"), 0);
    EXPECT_EQ(status("/tools/invoke"), 401);
    // The token comes before the method, so that strangers learn nothing.
    ask.method = "PUT";
    EXPECT_EQ(status("/in/wake"), 405);
    ask.bearer = Secret("wrong");
    EXPECT_EQ(status("/in/wake"), 401);
}

TEST_F(HttpRoutes, LetNobodyInWithoutAHooksToken) {
    secrets.hook = SharedAuth(AuthMode::token, Secret(), Secret());
    ask.bearer = Secret("x");
    EXPECT_EQ(status("/in/wake"), 401);
    ask.bearer = {};
    EXPECT_EQ(status("/in/wake"), 401);
}

TEST_F(HttpRoutes, BoundGuessing) {
    ask.bearer = Secret("wrong");
    int guesses = 0;
    while (status("/in/wake") == 401 && guesses < 100) ++guesses;
    EXPECT_EQ(guesses, 20);
    EXPECT_EQ(refusal->status, 429);
    EXPECT_NE(refusal->head.find("Retry-After: "), std::string::npos);
    EXPECT_EQ(status("/tools/invoke"), 429);
    ask.bearer = Secret("hook-token");
    EXPECT_EQ(status("/in/wake"), 429) << "the right one, as long as it can be guessed";
    ask.bearer = {};
    ask.source.limiter_key = "192.0.2.2";
    EXPECT_EQ(status("/in/wake"), 401) << "others are not concerned";
}

TEST_F(HttpRoutes, HearAHooksTokenThatNobodyGuessesWhileOthersFail) {
    const char* const long_token = "5f1e0c7a9b3d48e2a6c0f4d8b7e1932c";
    secrets.hook = SharedAuth(AuthMode::token, Secret(long_token), Secret());
    ask.bearer = Secret("wrong");
    while (status("/in/wake") == 401) {
    }
    EXPECT_EQ(status("/in/wake"), 429);
    ask.bearer = Secret(long_token);
    EXPECT_EQ(status("/in/wake"), 0);
}

TEST_F(HttpRoutes, RefuseABodyByItsLength) {
    ask.bearer = Secret(token);
    read_length(ask, "5000");
    EXPECT_EQ(status("/v1/responses"), 0);
    read_length(ask, "5001");
    EXPECT_EQ(status("/v1/responses"), 400);
    EXPECT_NE(refusal->content().find("invalid_request_error"), std::string::npos);
    EXPECT_TRUE(refusal->close) << "the body stays unread";
    EXPECT_NE(refusal->head.find("Connection: close"), std::string::npos);
    for (const char* bad : {"-1", "1x", "99999999999999999999999", "0x10", " 5"}) {
        read_length(ask, bad);
        EXPECT_EQ(status("/v1/responses"), 400) << bad;
    }
    ask.bearer = Secret("hook-token");
    read_length(ask, "101");
    EXPECT_EQ(status("/in/wake"), 413);
    EXPECT_NE(refusal->content().find(R"({"ok":false,"error":)"), std::string::npos);
    ask.chunked = true;
    EXPECT_EQ(status("/in/wake"), 411);
}

TEST_F(HttpRoutes, CheckTheSecretBeforeTheBody) {
    ask.bearer = Secret("wrong");
    read_length(ask, "999999999");
    EXPECT_EQ(status("/v1/responses"), 401);
    EXPECT_TRUE(refusal->close);
}

TEST(HttpRequest, ReadsABearer) {
    EXPECT_EQ(bearer_of("Bearer x y"), "x y");
    EXPECT_EQ(bearer_of("bEARER   x "), "x");
    for (const char* other : {"", "Bearer", "Bearer ", "Basic x", "Bearerx"})
        EXPECT_EQ(bearer_of(other), "") << other;
}

TEST(BodyBudget, BoundsAllBodiesTogether) {
    BodyBudget budget;
    budget.set_total(100);
    auto one = budget.reserve(60);
    ASSERT_TRUE(one);
    EXPECT_FALSE(budget.reserve(41));
    EXPECT_FALSE(budget.reserve(UINT64_MAX));
    {
        const auto two = budget.reserve(40);
        EXPECT_TRUE(two);
        EXPECT_FALSE(budget.reserve(1));
    }
    BodyBudget::Share moved = std::move(*one);
    one.reset();
    EXPECT_EQ(budget.used(), 60u);
    moved = {};
    EXPECT_EQ(budget.used(), 0u);
    EXPECT_EQ(BodyBudget::share_of(0), BodyBudget::most);
    EXPECT_EQ(BodyBudget::share_of(60u << 20), 10u << 20);
    EXPECT_EQ(BodyBudget::share_of(1), BodyBudget::least);
}

class Pieces final : public BodySource {
  public:
    std::string next() override {
        if (left.empty()) return {};
        std::string piece = left.front();
        left.erase(left.begin());
        return piece;
    }
    bool has_ended() const override { return left.empty() && over; }
    std::vector<std::string> left;
    bool over = false;
};

TEST(HttpReply, SendsPiecesInChunks) {
    HttpAsk ask;
    ask.method = "POST";
    HttpReply reply(ask);
    int woken = 0;
    reply.attach([&] { ++woken; });
    EXPECT_EQ(reply.take(), "");
    const auto source = std::make_shared<Pieces>();
    reply.stream("text/event-stream", source);
    EXPECT_EQ(woken, 1);
    EXPECT_TRUE(reply.take().ends_with("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
    EXPECT_EQ(reply.take(), "");
    source->left = {"hello", std::string(16, 'x')};
    EXPECT_EQ(reply.take(), "5\r\nhello\r\n");
    EXPECT_EQ(reply.take(), "10\r\n" + std::string(16, 'x') + "\r\n");
    EXPECT_FALSE(reply.is_finished());
    source->over = true;
    EXPECT_EQ(reply.take(), "0\r\n\r\n");
    EXPECT_TRUE(reply.is_finished());
    EXPECT_TRUE(reply.closes());
    EXPECT_EQ(source.use_count(), 1) << "nobody keeps whom nobody needs";
}

TEST(HttpReply, EndsAnOldClientsStreamWithTheConnection) {
    HttpAsk ask;
    ask.method = "POST";
    ask.http_1_0 = true;
    HttpReply reply(ask);
    const auto source = std::make_shared<Pieces>();
    source->left = {"a"};
    source->over = true;
    reply.stream("text/event-stream", source);
    EXPECT_EQ(reply.take().find("chunked"), std::string::npos);
    EXPECT_EQ(reply.take(), "a");
    EXPECT_EQ(reply.take(), "");
    EXPECT_TRUE(reply.is_finished());
    EXPECT_TRUE(reply.closes());
}

TEST(HttpReply, IsAnsweredOnceAndNotAfterTheClientLeft) {
    HttpAsk ask;
    ask.method = "HEAD";
    HttpReply reply(ask);
    reply.answer(text_answer(200, "text"));
    reply.answer(text_answer(500, "other"));
    const std::string taken = reply.take();
    EXPECT_NE(taken.find("200 OK"), std::string::npos);
    EXPECT_NE(taken.find("Content-Length: 4"), std::string::npos);
    EXPECT_TRUE(taken.ends_with("\r\n\r\n")) << "no body for HEAD";
    EXPECT_TRUE(reply.is_finished());

    HttpReply left(ask);
    left.client_left();
    EXPECT_TRUE(left.is_gone());
    left.answer(text_answer(200, "text"));
    EXPECT_EQ(left.take(), "");
}

}  // namespace
}  // namespace gateway
