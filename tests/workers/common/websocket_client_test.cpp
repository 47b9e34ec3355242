#include "workers/common/websocket_client.h"

#include <gmock/gmock.h>
#include <openssl/evp.h>

#include <optional>

#include "tests/support/tls_server.h"

namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::string accept_of(const std::string& head) {
    const size_t at = head.find("Sec-WebSocket-Key: ") + 19;
    const std::string text =
        head.substr(at, head.find('\r', at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
    char base64[32];
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), digest, 20);
    return base64;
}

std::string open_websocket(TlsStream& stream) {
    const std::string head = stream.read_until("\r\n\r\n");
    stream.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
        accept_of(head) + "\r\n\r\n");
    return head;
}

std::string frame(int opcode, const std::string& bytes, bool is_final = true) {
    std::string made(1, static_cast<char>((is_final ? 0x80 : 0) | opcode));
    if (bytes.size() < 126) {
        made += static_cast<char>(bytes.size());
    } else if (bytes.size() < 65536) {
        made += '\x7e';
        for (int shift = 8; shift >= 0; shift -= 8)
            made += static_cast<char>(bytes.size() >> shift);
    } else {
        made += '\x7f';
        for (int shift = 56; shift >= 0; shift -= 8)
            made += static_cast<char>(bytes.size() >> shift);
    }
    return made + bytes;
}

// A frame of the client, unmasked; its opcode in front.
std::string read_frame(TlsStream& stream) {
    const std::string begin = stream.read_exactly(2);
    if (begin.empty()) return {};
    size_t size = static_cast<unsigned char>(begin[1]) & 0x7f;
    const size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (more) {
        size = 0;
        for (const char c : stream.read_exactly(more))
            size = size << 8 | static_cast<unsigned char>(c);
    }
    EXPECT_NE(begin[1] & 0x80, 0) << "a client masks";
    const std::string mask = stream.read_exactly(4);
    std::string bytes = stream.read_exactly(size);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ mask[i % 4]);
    return std::string(1, static_cast<char>(begin[0] & 15)) + bytes;
}

class WebSocketClientTest : public testing::Test, public WebSocketReceiver {
  protected:
    void websocket_opened() override {
        opened_ = true;
        if (on_open_) on_open_();
    }
    void websocket_message(std::string_view message, bool) override {
        messages_.emplace_back(message);
        if (on_message_) on_message_();
    }
    void websocket_pong() override { ++pongs_; }
    void websocket_ended(const WebSocketEnd& end) override {
        end_ = end;
        loop_.stop(0);
    }
    WebSocketRequest request() {
        WebSocketRequest made;
        made.url = "wss://" + server_.authority() + "/?v=10&encoding=json";
        return made;
    }
    void run(WebSocketRequest made) {
        socket_ = client_->open(std::move(made), *this);
        EXPECT_FALSE(end_);
        loop_.run();
    }

    std::function<void(TlsStream&)> talk_;
    TlsServer server_{[this](TlsStream& stream, uint64_t) { talk_(stream); }};
    UvLoop loop_;
    std::unique_ptr<ClientContext> context_ = std::make_unique<ClientContext>(
        loop_, ClientContext::Options{server_.certificate_file(), {}});
    std::unique_ptr<WebSocketClient> client_ = std::make_unique<WebSocketClient>(loop_, *context_);
    std::unique_ptr<WebSocket> socket_;
    std::function<void()> on_open_;
    std::function<void()> on_message_;
    bool opened_ = false;
    int pongs_ = 0;
    std::vector<std::string> messages_;
    std::optional<WebSocketEnd> end_;
};

TEST_F(WebSocketClientTest, TalksBothWays) {
    std::string head;
    std::vector<std::string> got;
    talk_ = [&](TlsStream& stream) {
        head = open_websocket(stream);
        stream.write(frame(1, "hello"));
        for (int i = 0; i < 3; ++i) got.push_back(read_frame(stream));
        stream.write(frame(10, ""));
        stream.write(frame(8, std::string("\x0f\xa4") + "Authentication failed"));
        read_frame(stream);
    };
    on_message_ = [this] {
        EXPECT_TRUE(socket_->send("one"));
        EXPECT_TRUE(socket_->send(std::string(70'000, 'x')));
        EXPECT_TRUE(socket_->ping());
    };
    WebSocketRequest made = request();
    made.headers = {{"User-Agent", "test"}};
    run(std::move(made));
    EXPECT_TRUE(opened_);
    EXPECT_THAT(messages_, testing::ElementsAre("hello"));
    EXPECT_THAT(head, HasSubstr("GET /?v=10&encoding=json HTTP/1.1"));
    EXPECT_THAT(head, HasSubstr("User-Agent: test\r\n"));
    EXPECT_THAT(head, testing::Not(HasSubstr("permessage-deflate")));
    EXPECT_THAT(got, testing::ElementsAre("\x01one", "\x01" + std::string(70'000, 'x'), "\x09"));
    EXPECT_EQ(pongs_, 1);
    EXPECT_TRUE(end_->was_open);
    EXPECT_EQ(end_->code, 4004);
    EXPECT_EQ(end_->reason, "Authentication failed");
}

TEST_F(WebSocketClientTest, PutsMessagesTogether) {
    talk_ = [&](TlsStream& stream) {
        open_websocket(stream);
        stream.write(frame(1, std::string(300'000, 'a')));
        stream.write(frame(1, "fir", false) + frame(9, "p") + frame(0, "st"));
        stream.write(frame(8, std::string("\x03\xe8")));
        read_frame(stream);
        read_frame(stream);
    };
    run(request());
    EXPECT_THAT(messages_, testing::ElementsAre(std::string(300'000, 'a'), "first"));
    EXPECT_EQ(end_->code, 1000);
}

TEST_F(WebSocketClientTest, EndsAMessageThatIsTooLarge) {
    talk_ = [&](TlsStream& stream) {
        open_websocket(stream);
        stream.write(frame(1, std::string(20'000, 'a')));
    };
    WebSocketRequest made = request();
    made.largest_message = 10'000;
    run(std::move(made));
    EXPECT_TRUE(messages_.empty());
    EXPECT_EQ(end_->error.fault, Fault::out_of_room);
}

TEST_F(WebSocketClientTest, ClosesWithACodeOfItsOwn) {
    std::string got;
    talk_ = [&](TlsStream& stream) {
        open_websocket(stream);
        EXPECT_EQ(read_frame(stream), "\x01last");
        got = read_frame(stream);
        stream.write(frame(8, got.substr(1)));
    };
    on_open_ = [this] {
        EXPECT_TRUE(socket_->send("last"));
        socket_->close(4900, "resume");
        EXPECT_FALSE(socket_->send("too late"));
    };
    run(request());
    EXPECT_EQ(got, "\x08\x13\x24resume");
    EXPECT_TRUE(end_->was_open);
}

TEST_F(WebSocketClientTest, TellsOfAConnectionThatBreaksInAFrame) {
    talk_ = [&](TlsStream& stream) {
        open_websocket(stream);
        stream.write(frame(1, "whole") + frame(1, "half a frame").substr(0, 6));
        stream.reset();
    };
    run(request());
    EXPECT_THAT(messages_, testing::ElementsAre("whole"));
    EXPECT_TRUE(end_->was_open);
    EXPECT_EQ(end_->code, 1006);
    EXPECT_EQ(end_->error.fault, Fault::unreachable);
}

TEST_F(WebSocketClientTest, TellsWhichAnswerRefusedTheOpening) {
    talk_ = [&](TlsStream& stream) {
        stream.read_until("\r\n\r\n");
        stream.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        stream.read();
    };
    run(request());
    EXPECT_FALSE(end_->was_open);
    EXPECT_EQ(end_->http_status, 503);
    EXPECT_EQ(end_->error.fault, Fault::unreachable);
}

TEST_F(WebSocketClientTest, GivesUpAnOpeningThatIsNotAnswered) {
    talk_ = [&](TlsStream& stream) { stream.read_until("never"); };
    WebSocketRequest made = request();
    made.connect_timeout = milliseconds(300);
    run(std::move(made));
    EXPECT_FALSE(opened_);
    EXPECT_EQ(end_->error.fault, Fault::timed_out);
}

TEST_F(WebSocketClientTest, MayBeDestroyedByItsReceiver) {
    talk_ = [&](TlsStream& stream) {
        open_websocket(stream);
        stream.write(frame(1, "one") + frame(1, "two"));
        stream.read();
    };
    on_message_ = [this] {
        socket_.reset();
        loop_.stop(0);
    };
    run(request());
    EXPECT_THAT(messages_, testing::ElementsAre("one"));
    EXPECT_FALSE(end_);
}

TEST_F(WebSocketClientTest, RefusesTextThatIsNoUtf8) {
    std::string got;
    talk_ = [&](TlsStream& stream) {
        open_websocket(stream);
        stream.write(frame(1, "\xff\xfe"));
        got = read_frame(stream);
    };
    run(request());
    EXPECT_TRUE(messages_.empty());
    EXPECT_EQ(got.substr(0, 3), "\x08\x03\xef");
}

TEST_F(WebSocketClientTest, RefusesAnAddressThatIsNone) {
    WebSocketRequest made = request();
    made.url = "nowhere";
    run(std::move(made));
    EXPECT_EQ(end_->error.fault, Fault::bad_config);
}

}  // namespace
