#include "workers/common/https_client.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <mutex>
#include <optional>

#include "tests/support/tls_server.h"
#include "workers/common/uv_loop.h"

namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Reads one request, its body by Content-Length.
std::string read_request(TlsStream& stream) {
    std::string head = stream.read_until("\r\n\r\n");
    const size_t at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    return head + stream.read_exactly(std::stoul(head.substr(at + 16)));
}

class HttpsClientTest : public testing::Test {
  protected:
    void SetUp() override { make_client(server_.certificate_file()); }

    void make_client(const std::string& certificate_file, HttpsClient::Options options = {}) {
        client_.reset();
        context_.reset();
        context_ = std::make_unique<ClientContext>(
            loop_, ClientContext::Options{certificate_file, "/etc/ssl/certs"});
        client_ = std::make_unique<HttpsClient>(*context_, options);
    }
    HttpsRequest request(const std::string& path = "/", const std::string& method = "GET") {
        HttpsRequest made;
        made.method = method;
        made.url = "https://" + server_.authority() + path;
        return made;
    }
    HttpsOutcome perform(HttpsRequest made) {
        std::optional<HttpsOutcome> outcome;
        const auto call = client_->start(std::move(made), [&](HttpsOutcome ended) {
            outcome = std::move(ended);
            loop_.stop(0);
        });
        EXPECT_FALSE(outcome);  // never from within start
        loop_.run();
        return std::move(*outcome);
    }
    void saw(const std::string& text) {
        const std::lock_guard<std::mutex> lock(mutex_);
        seen_.push_back(text);
    }
    std::vector<std::string> seen() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return seen_;
    }

    std::mutex mutex_;
    std::vector<std::string> seen_;
    std::function<void(TlsStream&, uint64_t)> talk_ = [this](TlsStream& stream, uint64_t) {
        for (;;) {
            const std::string request = read_request(stream);
            if (request.empty()) return;
            saw(request);
            if (!stream.write(ok)) return;
        }
    };
    TlsServer server_{[this](TlsStream& stream, uint64_t number) { talk_(stream, number); }};
    UvLoop loop_;
    std::unique_ptr<ClientContext> context_;
    std::unique_ptr<HttpsClient> client_;
};

TEST_F(HttpsClientTest, SendsARequestAndReadsTheAnswer) {
    HttpsRequest made = request("/v1/x?y=1", "POST");
    made.headers = {{"Authorization", "Bot t"}, {"X-Bad", "a\r\nInjected: b"}};
    made.body = {{"{}", {}, 0}};
    const HttpsOutcome outcome = perform(std::move(made));
    ASSERT_TRUE(outcome.answer) << outcome.answer.error().what;
    EXPECT_EQ(outcome.answer->status, 200);
    EXPECT_EQ(outcome.answer->body, "ok");
    EXPECT_THAT(seen(), ElementsAre("POST /v1/x?y=1 HTTP/1.1\r\nHost: " + server_.authority() +
                                    "\r\nAuthorization: Bot t\r\nX-Bad: aInjected: b\r\n"
                                    "Content-Length: 2\r\n\r\n{}"));
}

TEST_F(HttpsClientTest, KeepsTheConnectionForTheNextRequest) {
    talk_ = [this](TlsStream& stream, uint64_t) {
        for (;;) {
            if (read_request(stream).empty()) return;
            stream.write("HTTP/1.1 204 No Content\r\n\r\n");
        }
    };
    for (int i = 0; i < 5; ++i) EXPECT_EQ(perform(request("/", "PUT")).answer->status, 204);
    EXPECT_EQ(server_.connections(), 1u);
    client_->close_idle();
    EXPECT_EQ(perform(request()).answer->status, 204);
    EXPECT_EQ(server_.connections(), 2u);
}

TEST_F(HttpsClientTest, SendsAgainWhatAKeptConnectionDidNotTake) {
    talk_ = [this](TlsStream& stream, uint64_t) {  // closes after each answer, without saying so
        if (!read_request(stream).empty()) stream.write(ok);
    };
    for (int i = 0; i < 4; ++i) {
        const HttpsOutcome outcome = perform(request());
        ASSERT_TRUE(outcome.answer) << outcome.answer.error().what;
    }
}

TEST_F(HttpsClientTest, KeepsAConnectionNoLongerThanItsServer) {
    talk_ = [](TlsStream& stream, uint64_t connection) {
        const std::string seconds = connection == 1 ? "60" : connection == 2 ? "1" : "2";
        while (!read_request(stream).empty())
            stream.write("HTTP/1.1 204 No Content\r\nKeep-Alive: Timeout=" + seconds +
                         ", max=100\r\n\r\n");
    };
    make_client(server_.certificate_file(), {4, milliseconds(20'000), milliseconds(0)});
    const auto rest = [this](milliseconds time) {
        const auto timer = loop_.after(time, [this] { loop_.stop(0); });
        loop_.run();
    };
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(perform(request("/", "POST")).answer);
    EXPECT_EQ(server_.connections(), 1u);
    client_->close_idle();
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(perform(request()).answer);
    EXPECT_EQ(server_.connections(), 3u);
    EXPECT_TRUE(perform(request()).answer);
    EXPECT_EQ(server_.connections(), 3u);
    rest(milliseconds(1'200));
    EXPECT_TRUE(perform(request()).answer);
    EXPECT_EQ(server_.connections(), 4u);
}

TEST_F(HttpsClientTest, SendsNoPostOverAConnectionThatMayBeTooOld) {
    make_client(server_.certificate_file(), {1, milliseconds(20'000), milliseconds(0)});
    EXPECT_TRUE(perform(request()).answer);
    EXPECT_TRUE(perform(request()).answer);
    EXPECT_EQ(server_.connections(), 1u);
    EXPECT_TRUE(perform(request("/", "POST")).answer);
    EXPECT_EQ(server_.connections(), 2u);
}

TEST_F(HttpsClientTest, NeverSendsAPostTwice) {
    talk_ = [this](TlsStream& stream, uint64_t connection) {
        const std::string first = read_request(stream);
        stream.write(ok);
        if (connection == 1) saw(read_request(stream));  // read, and never answered
    };
    ASSERT_TRUE(perform(request()).answer);
    HttpsRequest post = request("/", "POST");
    post.body = {{"x", {}, 0}};
    const HttpsOutcome outcome = perform(std::move(post));
    ASSERT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().fault, Fault::unreachable);
    EXPECT_TRUE(outcome.may_have_arrived);
    EXPECT_EQ(server_.connections(), 1u);
}

TEST_F(HttpsClientTest, TellsThatNothingArrivedWithoutAConnection) {
    server_.refuse_connections(true);
    const HttpsOutcome outcome = perform(request("/", "POST"));
    ASSERT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().fault, Fault::unreachable);
    EXPECT_THAT(outcome.answer.error().what, HasSubstr("no connection to localhost"));
    EXPECT_FALSE(outcome.may_have_arrived);
    server_.refuse_connections(false);
    EXPECT_TRUE(perform(request("/", "POST")).answer);
}

TEST_F(HttpsClientTest, RefusesACertificateThatNobodyVouchesFor) {
    make_client({});
    const HttpsOutcome outcome = perform(request());
    ASSERT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().fault, Fault::unreachable);
    EXPECT_THAT(seen(), testing::IsEmpty());
}

TEST_F(HttpsClientTest, RefusesACertificateOfAnotherName) {
    HttpsRequest made = request();
    made.url = "https://ip6-localhost.invalid:" + std::to_string(server_.port());
    EXPECT_FALSE(perform(std::move(made)).answer);
    made = request();
    made.url = "https://127.0.0.1:" + std::to_string(server_.port());
    // The certificate names the address too, but as a name it is none of it.
    (void)perform(std::move(made));
    EXPECT_THAT(seen().size(), testing::Le(1u));
}

TEST_F(HttpsClientTest, NamesAMissingCertificateFile) {
    make_client("/nowhere/bundle.pem");
    const HttpsOutcome outcome = perform(request());
    ASSERT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().fault, Fault::bad_config);
    EXPECT_THAT(outcome.answer.error().what, HasSubstr("/nowhere/bundle.pem"));
}

TEST_F(HttpsClientTest, EndsARequestThatNobodyAnswers) {
    talk_ = [](TlsStream& stream, uint64_t) { stream.read_until("never"); };
    HttpsRequest made = request("/", "POST");
    made.total_timeout = milliseconds(300);
    const HttpsOutcome outcome = perform(std::move(made));
    ASSERT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().fault, Fault::timed_out);
    EXPECT_THAT(outcome.answer.error().what, HasSubstr("localhost did not finish"));
    EXPECT_TRUE(outcome.may_have_arrived);
}

TEST_F(HttpsClientTest, EndsAnAnswerThatIsTooLarge) {
    talk_ = [](TlsStream& stream, uint64_t) {
        read_request(stream);
        stream.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" +
                     std::string(100'000, 'x'));
    };
    HttpsRequest made = request();
    made.largest_answer = 50'000;
    const HttpsOutcome outcome = perform(std::move(made));
    ASSERT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.answer.error().fault, Fault::out_of_room);
}

TEST_F(HttpsClientTest, WritesALargeAnswerToAFile) {
    const std::string path = testing::TempDir() + "https_client_test." + std::to_string(getpid());
    unlink(path.c_str());
    talk_ = [](TlsStream& stream, uint64_t) {
        while (!read_request(stream).empty())
            stream.write("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" +
                         std::string(3'000'000, 'x'));
    };
    HttpsRequest made = request();
    made.into_file = path;
    const HttpsOutcome outcome = perform(made);
    ASSERT_TRUE(outcome.answer) << outcome.answer.error().what;
    EXPECT_EQ(outcome.answer->body, "");
    EXPECT_EQ(outcome.answer->body_size, 3'000'000u);
    struct stat about {};
    ASSERT_EQ(stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_size, 3'000'000);
    EXPECT_EQ(about.st_mode & 0777, 0600u);
    // What is there already is nobody's to overwrite.
    EXPECT_EQ(perform(made).answer.error().fault, Fault::no_storage);
    unlink(path.c_str());
    made.largest_answer = 1'000'000;
    EXPECT_EQ(perform(made).answer.error().fault, Fault::out_of_room);
    EXPECT_NE(stat(path.c_str(), &about), 0);
}

TEST_F(HttpsClientTest, SendsAFileAsItsBody) {
    const std::string path = testing::TempDir() + "https_upload." + std::to_string(getpid());
    std::ofstream(path) << std::string(2'000'000, 'y');
    HttpsRequest made = request("/", "POST");
    made.body = {{"begin", {}, 0}, {{}, path, 2'000'000}, {"end", {}, 0}};
    const HttpsOutcome outcome = perform(std::move(made));
    ASSERT_TRUE(outcome.answer) << outcome.answer.error().what;
    const std::string got = seen().at(0);
    EXPECT_THAT(got, HasSubstr("Content-Length: 2000008\r\n"));
    EXPECT_EQ(got.substr(got.find("\r\n\r\n") + 4), "begin" + std::string(2'000'000, 'y') + "end");
    unlink(path.c_str());
}

TEST_F(HttpsClientTest, ServesManyRequestsOverFewConnections) {
    make_client(server_.certificate_file(), {2, milliseconds(20'000)});
    int answered = 0;
    std::vector<std::unique_ptr<HttpsCall>> calls;
    for (int i = 0; i < 40; ++i)
        calls.push_back(client_->start(request("/" + std::to_string(i)), [&](HttpsOutcome ended) {
            EXPECT_TRUE(ended.answer);
            if (++answered == 40) loop_.stop(0);
        }));
    loop_.run();
    EXPECT_EQ(seen().size(), 40u);
    EXPECT_LE(server_.connections(), 2u);
}

TEST_F(HttpsClientTest, ForgetsACallThatIsDestroyed) {
    auto doomed = client_->start(request("/doomed"), [](HttpsOutcome) { FAIL(); });
    doomed.reset();
    auto other = client_->start(request("/slow"), [](HttpsOutcome) { FAIL(); });
    const auto timer = loop_.after(milliseconds(20), [&] {
        other.reset();
        loop_.stop(0);
    });
    talk_ = [this](TlsStream& stream, uint64_t) {
        const std::string request = read_request(stream);
        if (request.find("/slow") == std::string::npos) stream.write(ok);
        stream.read();
    };
    loop_.run();
    const HttpsOutcome outcome = perform(request("/after"));
    EXPECT_TRUE(outcome.answer) << outcome.answer.error().what;
}

TEST_F(HttpsClientTest, MayDestroyItsCallInTheHandler) {
    std::unique_ptr<HttpsCall> call = client_->start(request(), [&](HttpsOutcome) {
        call.reset();
        loop_.stop(0);
    });
    loop_.run();
    EXPECT_FALSE(call);
    EXPECT_TRUE(perform(request()).answer);
}

TEST_F(HttpsClientTest, NamesAHostThatDoesNotExist) {
    HttpsRequest made = request();
    made.url = "https://no-such-host.invalid/";
    made.connect_timeout = milliseconds(10'000);
    const HttpsOutcome outcome = perform(std::move(made));
    ASSERT_FALSE(outcome.answer);
    EXPECT_THAT(outcome.answer.error().what, HasSubstr("no-such-host.invalid"));
    EXPECT_FALSE(outcome.may_have_arrived);
}

TEST(Endpoint, IsReadFromAUrl) {
    const Result<Endpoint> full = parse_endpoint("https://example.com:8443/a/b?c=d#e");
    ASSERT_TRUE(full);
    EXPECT_EQ(full->authority(), "example.com:8443");
    EXPECT_EQ(full->target, "/a/b?c=d");
    EXPECT_TRUE(full->is_tls());
    const Result<Endpoint> bare = parse_endpoint("wss://gateway.example?v=10");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->authority(), "gateway.example");
    EXPECT_EQ(bare->port, 443);
    EXPECT_EQ(bare->target, "/?v=10");
    EXPECT_EQ(parse_endpoint("https://[::1]:9/")->authority(), "[::1]:9");
    EXPECT_EQ(parse_endpoint("https://[::1]:9/")->host, "::1");
    for (const char* text :
         {"", "example.com", "ftp://a/", "https://", "https://a b/", "https://u@h/", "https://h:x/",
          "https://h:0/", "https://h:99999/", "https://[::1/", "https://h/\r\nX: y"})
        EXPECT_FALSE(parse_endpoint(text)) << text;
}

}  // namespace
