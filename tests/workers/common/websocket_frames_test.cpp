#include "workers/common/routes/websocket_frames.h"

#include <gtest/gtest.h>

#include "tests/support/websocket_bytes.h"

namespace {

using websocket_bytes::bytes_of;
using Kind = WebSocketFrame::Kind;
constexpr size_t largest = 1000;

struct Reading {
    std::vector<WebSocketFrame> frames;
    int refusal = 0;
};

Reading read(const std::string& bytes, size_t bytes_each = 7) {
    WebSocketFrames reader(largest);
    Reading reading;
    for (const std::string& part : websocket_bytes::chopped(bytes, bytes_each)) {
        reader.feed(part);
        while (auto frame = reader.next()) reading.frames.push_back(std::move(*frame));
    }
    reading.refusal = reader.refusal();
    return reading;
}

int frame_refusal_of(const websocket_bytes::Frame& frame) {
    return read(bytes_of(frame)).refusal;
}

}  // namespace

TEST(WebSocketFrames, AreReadHoweverTheyArrive) {
    const std::string bytes = bytes_of({.opcode = 1, .payload = "hello"}) +
                              websocket_bytes::fragmented(2, std::string(700, 'x'), 300) +
                              bytes_of({.opcode = 9, .payload = "p"});
    for (const size_t each : {1u, 2u, 3u, 14u, 5000u}) {
        const Reading reading = read(bytes, each);
        ASSERT_EQ(reading.frames.size(), 3u) << each;
        EXPECT_EQ(reading.refusal, 0);
        EXPECT_EQ(reading.frames[0].bytes, "hello");
        EXPECT_EQ(reading.frames[1].kind, Kind::binary);
        EXPECT_EQ(reading.frames[1].bytes, std::string(700, 'x'));
        EXPECT_EQ(reading.frames[2].kind, Kind::ping);
    }
}

TEST(WebSocketFrames, OfControlMayStandBetweenThoseOfAMessage) {
    const Reading reading =
        read(bytes_of({.opcode = 1, .payload = "one ", .final = false}) + bytes_of({.opcode = 9}) +
             bytes_of({.opcode = 0, .payload = "two"}));
    ASSERT_EQ(reading.frames.size(), 2u);
    EXPECT_EQ(reading.frames[0].kind, Kind::ping);
    EXPECT_EQ(reading.frames[1].bytes, "one two");
}

TEST(WebSocketFrames, AgainstTheProtocolAreRefused) {
    EXPECT_EQ(frame_refusal_of({.payload = "x", .masked = false}), 1002) << "not masked";
    EXPECT_EQ(frame_refusal_of({.payload = "x", .reserved = 4}), 1002)
        << "an extension nobody agreed on";
    EXPECT_EQ(frame_refusal_of({.opcode = 3}), 1002);
    EXPECT_EQ(frame_refusal_of({.opcode = 11}), 1002);
    EXPECT_EQ(frame_refusal_of({.opcode = 0, .payload = "x"}), 1002) << "the rest of nothing";
    EXPECT_EQ(frame_refusal_of({.payload = "x", .length_bytes = 2}), 1002) << "a length too long";
    EXPECT_EQ(frame_refusal_of({.payload = "x", .length_bytes = 8}), 1002);
    EXPECT_EQ(frame_refusal_of({.opcode = 9, .final = false}), 1002);
    EXPECT_EQ(frame_refusal_of({.opcode = 9, .payload = std::string(126, 'x')}), 1002);
    EXPECT_EQ(read(bytes_of({.payload = "x", .final = false}) + bytes_of({.payload = "y"})).refusal,
              1002)
        << "a message inside another";
}

// Before a byte of it has come.
TEST(WebSocketFrames, ThatAreTooLargeAreRefusedByTheirHead) {
    const std::string large(largest + 1, 'x');
    EXPECT_EQ(read(bytes_of({.payload = large}).substr(0, 8)).refusal, 1009);
    EXPECT_EQ(read(std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10)).refusal, 1009);
    EXPECT_EQ(read(websocket_bytes::fragmented(1, large, 400)).refusal, 1009);
    EXPECT_EQ(read(bytes_of({.payload = std::string_view(large).substr(1)})).frames.size(), 1u);
}

TEST(WebSocketFrames, AreWrittenAsAServerDoes) {
    EXPECT_EQ(websocket_frame(Kind::text, "hi"), "\x81\x02hi");
    EXPECT_EQ(websocket_frame(Kind::text, std::string(300, 'x')).substr(0, 4),
              std::string("\x81\x7e\x01\x2c", 4));
    EXPECT_EQ(websocket_frame(Kind::binary, std::string(70'000, 'x')).substr(0, 10),
              std::string("\x82\x7f\0\0\0\0\0\x01\x11\x70", 10));
    EXPECT_EQ(websocket_close(1008, std::string(200, 'x')).size(), 125u);
}
