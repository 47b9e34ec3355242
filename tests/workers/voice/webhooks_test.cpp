// The door for the telephone company, over real sockets: who is answered what, and how much of a
// request is read before it is known whose it is.

#include "workers/voice/webhooks.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/workers/voice/desk_fixture.h"
#include "workers/common/base/clock.h"

namespace voice {

namespace {

using testing::HasSubstr;
using testing::StartsWith;

class WebhooksOf : public DeskFixture {
  protected:
    explicit WebhooksOf(ProviderName company) : DeskFixture(company, false) {}

    void SetUp() override {
        settings.telnyx_public_key = std::string(32, '\x01');
        DeskFixture::SetUp();
        const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(listen(listener, 16), 0);
        socklen_t size = sizeof address;
        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
        webhooks = std::make_unique<Webhooks>(
            Webhooks::Services{*loop, *provider, *desk, settings.webhook_path,
                               [this] { return url; }, wall_ms},
            std::vector<int>{listener});
    }
    void TearDown() override {
        webhooks.reset();
        DeskFixture::TearDown();
    }

    // What is answered while nothing more is sent than this.
    std::string ask(const std::string& bytes) {
        const Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
        std::string received;
        const auto late = loop->after(std::chrono::seconds(4), [this] { loop->stop(1); });
        const auto watch = loop->watch(client.get(), Loop::readable, [&](unsigned) {
            char piece[4096];
            const ssize_t got = recv(client.get(), piece, sizeof piece, MSG_DONTWAIT);
            if (got > 0) received.append(piece, static_cast<size_t>(got));
            if (got == 0) loop->stop(0);
        });
        EXPECT_EQ(loop->run(), 0) << "no answer before the body has come";
        return received;
    }
    static std::string head(const std::string& headers, size_t body_size,
                            const std::string& target = "/voice/webhook") {
        return "POST " + target +
               " HTTP/1.1\r\nHost: example.com\r\nContent-Length: " + std::to_string(body_size) +
               "\r\n" + headers + "\r\n";
    }
    // None of it is sent; a body that was waited for would take five seconds.
    void refuses_unread(const std::string& headers) {
        EXPECT_THAT(ask(head(headers, 60'000)), StartsWith("HTTP/1.1 401 ")) << headers;
        EXPECT_EQ(desk->live_calls(), 0u);
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    sockaddr_in address{};
    std::unique_ptr<Webhooks> webhooks;
};

class WebhooksOfTwilio : public WebhooksOf {
  protected:
    WebhooksOfTwilio() : WebhooksOf(ProviderName::twilio) {}

    std::string signed_for(const std::string& whole_url, const std::string& body) const {
        return "X-Twilio-Signature: " +
               twilio_signature(settings.key, twilio_base(whole_url, body)) + "\r\n";
    }
    const std::string ringing = write_form({{"CallSid", "CA1"},
                                            {"CallStatus", "ringing"},
                                            {"Direction", "inbound"},
                                            {"From", ann},
                                            {"To", "+15550002222"}});
};

class WebhooksOfTelnyx : public WebhooksOf {
  protected:
    WebhooksOfTelnyx() : WebhooksOf(ProviderName::telnyx) {}
};

class WebhooksOfPlivo : public WebhooksOf {
  protected:
    WebhooksOfPlivo() : WebhooksOf(ProviderName::plivo) {}
};

}  // namespace

TEST_F(WebhooksOfTwilio, TakeWhatIsSigned) {
    const std::string answer = ask(head(signed_for(webhook, ringing), ringing.size()) + ringing);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(answer, HasSubstr("Greetings."));
    EXPECT_EQ(desk->live_calls(), 1u);
}

// Bodies were read whole, of any size and from anybody, before a signature was looked for.
TEST_F(WebhooksOfTwilio, RefuseUnreadWhatHasNoSignature) {
    refuses_unread("");
    refuses_unread("X-Twilio-Signature: \r\n");
    refuses_unread("X-Twilio-Signature2: abc\r\n");
}

TEST_F(WebhooksOfTelnyx, RefuseUnreadWhatHasNoSignature) {
    refuses_unread("");
    refuses_unread("Telnyx-Timestamp: 1769900000\r\n");
    refuses_unread("Telnyx-Signature-Ed25519: AAAA\r\n");
}

TEST_F(WebhooksOfPlivo, RefuseUnreadWhatHasNoSignature) {
    refuses_unread("");
    refuses_unread("X-Plivo-Signature-V3: AAAA\r\n");
    refuses_unread("X-Plivo-Signature-V2: AAAA\r\nX-Plivo-Signature-V2-Nonce: 1\r\n");
}

TEST_F(WebhooksOfTwilio, ReadNoBodyThatIsTooLarge) {
    const std::string right = signed_for(webhook, "");
    EXPECT_THAT(ask(head(right, Webhooks::largest_body + 1)), StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(ask(head(right, 999'999'999'999)), StartsWith("HTTP/1.1 413 "));
}

TEST_F(WebhooksOfTwilio, HaveOnePathAndOneMethod) {
    for (const char* other : {"/voice/webhook/", "/voice/webhook2", "/voice/webhook%2f", "/voice",
                              "//voice/webhook", "/voice/../voice/webhook", "/"}) {
        const std::string whole = std::string("https://example.com") + other;
        EXPECT_THAT(ask(head(signed_for(whole, ringing), ringing.size(), other) + ringing),
                    StartsWith("HTTP/1.1 404 "))
            << other;
    }
    const std::string get = ask("GET /voice/webhook HTTP/1.1\r\nHost: example.com\r\n" +
                                signed_for(webhook, "") + "\r\n");
    EXPECT_THAT(get, StartsWith("HTTP/1.1 405 "));
    EXPECT_THAT(get, HasSubstr("Allow: POST"));
    EXPECT_EQ(desk->live_calls(), 0u);
}

// Signatures were computed over the address that the request itself names.
TEST_F(WebhooksOfTwilio, BelieveNoAddressThatARequestNames) {
    const std::string theirs = "https://evil.example/voice/webhook";
    std::string headers = signed_for(theirs, ringing);
    for (const char* name : {"X-Forwarded-Host", "X-Original-Host", "Ngrok-Forwarded-Host"})
        headers += std::string(name) + ": evil.example\r\n";
    std::string request = head(headers, ringing.size()) + ringing;
    EXPECT_THAT(ask(request), StartsWith("HTTP/1.1 401 "));
    url.clear();  // nor when there is no other
    EXPECT_THAT(ask(request), StartsWith("HTTP/1.1 503 "));
    EXPECT_EQ(desk->live_calls(), 0u);
}

}  // namespace voice
