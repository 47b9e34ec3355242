#include "workers/common/http_client.h"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <optional>

#include "tests/support/model_double.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class Receiver : public HttpReceiver {
  public:
    explicit Receiver(Loop& loop) : loop_(loop) {}
    void http_head(const HttpHead& head) override { head_ = head; }
    void http_body(std::string_view bytes) override {
        body_ += bytes;
        if (on_body_) on_body_();
    }
    void http_ended(const Done& outcome) override {
        outcome_ = outcome;
        loop_.stop(0);
    }

    Loop& loop_;
    HttpHead head_;
    std::string body_;
    std::optional<Done> outcome_;
    std::function<void()> on_body_;
};

class HttpClientTest : public testing::Test {
  protected:
    HttpRequest request(const std::string& path = "/messages") {
        HttpRequest made;
        made.method = "POST";
        made.url = server_.url() + path;
        made.body = "{}";
        return made;
    }

    Receiver perform(HttpRequest made) {
        HttpClient client(*loop_, {});
        Receiver receiver(*loop_);
        const auto call = client.start(std::move(made), receiver);
        EXPECT_FALSE(receiver.outcome_);  // never from within start
        loop_->run();
        return receiver;
    }

    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    ModelDouble server_;
};

bool library_is_loaded() {
    void* library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_NOLOAD);
    if (library) dlclose(library);
    return library != nullptr;
}

// First in this file: nothing before it may make a request.
TEST_F(HttpClientTest, LoadsNothingBeforeTheFirstRequest) {
    EXPECT_FALSE(library_is_loaded());
    const HttpClient client(*loop_, {});
    EXPECT_FALSE(library_is_loaded());
    const Receiver receiver = perform(request());
    EXPECT_TRUE(*receiver.outcome_);
    EXPECT_TRUE(library_is_loaded());
}

TEST_F(HttpClientTest, DeliversStatusHeadersAndBody) {
    ModelReply reply;
    reply.status = 418;
    reply.retry_after = "7";
    reply.body = "short and stout";
    server_.always(reply);
    HttpRequest made = request("/tea");
    made.headers = {"x-kind: green"};
    const Receiver receiver = perform(std::move(made));
    EXPECT_TRUE(*receiver.outcome_);
    EXPECT_EQ(receiver.head_.status, 418);
    EXPECT_EQ(receiver.head_.header("retry-after"), "7");
    EXPECT_EQ(receiver.head_.header("missing"), "");
    EXPECT_EQ(receiver.body_, "short and stout");
    const ModelRequestSeen seen = server_.requests().at(0);
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.path, "/tea");
    EXPECT_EQ(seen.body, "{}");
    EXPECT_EQ(seen.headers.at("x-kind"), "green");
    EXPECT_THAT(seen.headers.at("user-agent"), HasSubstr("hardshell/"));
}

TEST_F(HttpClientTest, SendsALargeBodyAtOnce) {
    HttpRequest made = request();
    made.body = std::string(3'000'000, 'x');
    const Receiver receiver = perform(std::move(made));
    EXPECT_TRUE(*receiver.outcome_);
    EXPECT_EQ(server_.requests().at(0).body.size(), 3'000'000u);
    EXPECT_EQ(server_.requests().at(0).headers.count("expect"), 0u);
}

TEST_F(HttpClientTest, RefusesAnAnswerThatIsTooLarge) {
    ModelReply reply;
    reply.body = std::string(200'000, 'x');
    server_.always(reply);
    HttpRequest made = request();
    made.largest_response = 100'000;
    const Receiver receiver = perform(std::move(made));
    ASSERT_FALSE(*receiver.outcome_);
    EXPECT_EQ(receiver.outcome_->error().fault, Fault::out_of_room);
    EXPECT_LE(receiver.body_.size(), 100'000u);
}

TEST_F(HttpClientTest, EndsAnAnswerThatTakesTooLongAltogether) {
    ModelReply reply;
    reply.piece = 1;
    reply.between = milliseconds(5);
    server_.always(reply);
    HttpRequest made = request();
    made.total_timeout = milliseconds(100);
    const Receiver receiver = perform(std::move(made));
    ASSERT_FALSE(*receiver.outcome_);
    EXPECT_EQ(receiver.outcome_->error().fault, Fault::timed_out);
    EXPECT_THAT(receiver.outcome_->error().what,
                HasSubstr("127.0.0.1 did not finish its answer within 100 ms"));
    EXPECT_TRUE(server_.wait_for_closed_connections(1));
}

TEST_F(HttpClientTest, LetsASlowAnswerGoOnWhileBytesCome) {
    ModelReply reply;
    reply.body = std::string(30, 'x');
    reply.piece = 1;
    reply.between = milliseconds(20);
    server_.always(reply);
    HttpRequest made = request();
    made.idle_timeout = milliseconds(400);
    const Receiver receiver = perform(std::move(made));
    EXPECT_TRUE(*receiver.outcome_);
    EXPECT_EQ(receiver.body_, reply.body);
}

TEST_F(HttpClientTest, SpeaksOnlyHttpAndHttps) {
    for (const char* url : {"file:///etc/hostname", "ftp://127.0.0.1/x", "http://", "", "::"}) {
        HttpRequest made = request();
        made.url = url;
        const Receiver receiver = perform(std::move(made));
        ASSERT_FALSE(*receiver.outcome_) << url;
        EXPECT_EQ(receiver.body_, "") << url;
    }
}

TEST_F(HttpClientTest, KeepsHeadersOutOfItsErrors) {
    ModelReply reply;
    reply.manner = ModelReply::Manner::close_at_once;
    server_.always(reply);
    HttpRequest made = request();
    made.headers = {"authorization: Bearer very-secret"};
    const Receiver receiver = perform(std::move(made));
    ASSERT_FALSE(*receiver.outcome_);
    EXPECT_EQ(receiver.outcome_->error().fault, Fault::unreachable);
    EXPECT_THAT(receiver.outcome_->error().what, HasSubstr("127.0.0.1"));
    EXPECT_THAT(receiver.outcome_->error().what, Not(HasSubstr("secret")));
}

TEST_F(HttpClientTest, MayBeDestroyedFromWithinAnAnswer) {
    auto client = std::make_unique<HttpClient>(*loop_, HttpClient::Options());
    Receiver receiver(*loop_);
    Receiver other(*loop_);
    auto call = client->start(request(), receiver);
    const auto second = client->start(request(), other);
    receiver.on_body_ = other.on_body_ = [&] {
        client.reset();
        loop_->stop(0);
    };
    loop_->run();
    EXPECT_FALSE(receiver.outcome_ && other.outcome_);
    call.reset();  // after its client
    EXPECT_TRUE(server_.wait_for_closed_connections(server_.connections()));
}

TEST_F(HttpClientTest, ForgetsACallThatIsDestroyedAtOnce) {
    HttpClient client(*loop_, {});
    Receiver receiver(*loop_);
    for (const char* url : {"not a url", "http://127.0.0.1:1/"}) {
        HttpRequest made = request();
        made.url = url;
        client.start(std::move(made), receiver).reset();
    }
    const auto stop = loop_->after(milliseconds(20), [&] { loop_->stop(0); });
    loop_->run();
    EXPECT_FALSE(receiver.outcome_);
}

TEST(HttpUrl, NamesItsHost) {
    EXPECT_EQ(host_of_url("https://user:pass@api.example.com:8443/v1?x#y"), "api.example.com");
    EXPECT_EQ(host_of_url("http://[::1]:80/"), "[::1]");
    EXPECT_EQ(host_of_url("example.com"), "example.com");
    EXPECT_EQ(host_of_url(""), "");
}

}  // namespace
