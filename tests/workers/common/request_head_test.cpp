#include "workers/common/routes/request_head.h"

#include <gtest/gtest.h>

namespace {

int refusal_of(const std::string& bytes) {
    return read_request_head(bytes).refusal;
}

std::string post(const std::string& headers) {
    return "POST /hook HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}

}  // namespace

TEST(RequestHead, KeepsPathAndQueryAsTheyWereSent) {
    const std::string bytes =
        "POST /voice/webhook?a=%2F+b&type=status HTTP/1.1\r\nHost: h\r\n"
        "X-Twilio-Signature:  abc= \r\nContent-Length: 3\r\n\r\nxyz";
    const HeadReading reading = read_request_head(bytes);
    ASSERT_TRUE(reading.head);
    EXPECT_EQ(reading.head->method, "POST");
    EXPECT_EQ(reading.head->target, "/voice/webhook?a=%2F+b&type=status");
    EXPECT_EQ(reading.head->path(), "/voice/webhook");
    EXPECT_EQ(reading.head->query(), "a=%2F+b&type=status");
    EXPECT_EQ(reading.head->header("x-twilio-signature"), "abc=");
    EXPECT_EQ(reading.head->body_bytes, 3u);
    EXPECT_EQ(bytes.substr(reading.size), "xyz");
}

TEST(RequestHead, WaitsForTheRestOfIt) {
    const std::string whole = post("");
    for (size_t length = 0; length < whole.size(); ++length) {
        const HeadReading reading = read_request_head(std::string_view(whole).substr(0, length));
        EXPECT_FALSE(reading.head) << length;
        EXPECT_EQ(reading.refusal, 0) << length;
    }
    EXPECT_TRUE(read_request_head(whole).head);
}

TEST(RequestHead, RefusesWhatTwoReadersCouldUnderstandDifferently) {
    EXPECT_EQ(refusal_of(post("Transfer-Encoding: chunked\r\n")), 411);
    EXPECT_EQ(refusal_of(post("transfer-encoding : chunked\r\n")), 400);
    EXPECT_EQ(refusal_of(post("Content-Length: 3\r\nContent-Length: 4\r\n")), 400);
    EXPECT_EQ(refusal_of(post("Content-Length: +3\r\n")), 400);
    EXPECT_EQ(refusal_of(post("Content-Length: 0x3\r\n")), 400);
    EXPECT_EQ(refusal_of(post("Content-Length: 3, 3\r\n")), 400);
    EXPECT_EQ(refusal_of(post("Content-Length:\r\n")), 400);
    EXPECT_EQ(refusal_of(post("Content-Length: 99999999999999999999\r\n")), 400);
    EXPECT_EQ(refusal_of(post("A: b\r\n c\r\n")), 400);  // folded
    EXPECT_EQ(refusal_of(post("A: b\nB: c\r\n")), 400);
    EXPECT_EQ(refusal_of(post("A: b\rB: c\r\n")), 400);
    EXPECT_EQ(refusal_of(post(std::string("A: b\0c\r\n", 8))), 400);
    EXPECT_EQ(refusal_of(post("Host: other\r\n")), 400);
    EXPECT_EQ(refusal_of(post("no colon\r\n")), 400);
    EXPECT_EQ(refusal_of("POST /hook HTTP/1.1\r\n\r\n"), 400);  // no host
    EXPECT_EQ(refusal_of("POST /a\nHost: x"), 400);
    EXPECT_EQ(refusal_of("POST http://h/hook HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    EXPECT_EQ(refusal_of("POST /a b HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    EXPECT_EQ(refusal_of("POST /a HTTP/2.0\r\nHost: h\r\n\r\n"), 400);
    EXPECT_EQ(refusal_of(post("Expect: tea\r\n")), 417);
}

TEST(RequestHead, HasRoomForSoMuchAndNoMore) {
    EXPECT_EQ(refusal_of(std::string(RequestHead::most_bytes, 'a')), 431);
    std::string many;
    for (size_t count = 0; count < RequestHead::most_headers; ++count) many += "A: b\r\n";
    EXPECT_EQ(refusal_of(post(many)), 431);
}

TEST(RequestHead, KnowsAnOpeningOfAWebSocket) {
    const auto opens = [](const std::string& headers) {
        const HeadReading reading =
            read_request_head("GET /s HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n");
        return reading.head && reading.head->opens_websocket;
    };
    EXPECT_TRUE(opens("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"));
    EXPECT_FALSE(opens("Connection: keep-alive\r\nUpgrade: websocket\r\n"));
    EXPECT_FALSE(opens("Connection: Upgrade\r\nUpgrade: h2c\r\n"));
}

TEST(PathOfRequest, IsThereBeforeTheRest) {
    EXPECT_EQ(path_of_request("POST /telegram-webhook HT"), "/telegram-webhook");
    EXPECT_EQ(path_of_request("GET /voice/stream?x"), "/voice/stream");
    EXPECT_FALSE(path_of_request("POST /telegram-webh"));
    EXPECT_FALSE(path_of_request("POST"));
    EXPECT_FALSE(path_of_request(""));
}
