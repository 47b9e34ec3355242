#include "workers/gateway/websocket_rules.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

constexpr const char* key = "dGhlIHNhbXBsZSBub25jZQ==";

TEST(WebSocketOpening, IsAGetOfVersion13WithAKeyOfSixteenBytes) {
    EXPECT_EQ(refused_opening("GET", "13", key), 0);
    EXPECT_EQ(refused_opening("POST", "13", key), 405);
    EXPECT_EQ(refused_opening("GET", "", key), 426);
    EXPECT_EQ(refused_opening("GET", "8", key), 426);
    EXPECT_EQ(refused_opening("GET", "13", ""), 400);
    EXPECT_EQ(refused_opening("GET", "13", "c2hvcnQ="), 400);
    EXPECT_EQ(refused_opening("GET", "13", "dGhlIHNhbXBsZSBub25j!Q=="), 400);
}

TEST(WebSocketOpening, TakesNoSubprotocolOrItsOwn) {
    EXPECT_TRUE(takes_subprotocol(""));
    EXPECT_TRUE(takes_subprotocol("gateway"));
    EXPECT_TRUE(takes_subprotocol("chat, gateway"));
    for (const char* foreign : {"chat", "gateway2", "chat, superchat", ",", " "})
        EXPECT_FALSE(takes_subprotocol(foreign)) << foreign;
}

std::string code(unsigned value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

TEST(WebSocketClosing, TakesTheCodesThatMayBeSent) {
    EXPECT_TRUE(is_close_payload(""));
    EXPECT_TRUE(is_close_payload(code(1000) + "why"));
    for (const unsigned sent : {1001u, 1003u, 1007u, 1011u, 1014u, 3000u, 4999u})
        EXPECT_TRUE(is_close_payload(code(sent))) << sent;
    EXPECT_FALSE(is_close_payload("x"));
    for (const unsigned never : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 2999u, 5000u, 65535u})
        EXPECT_FALSE(is_close_payload(code(never))) << never;
}

}  // namespace
}  // namespace gateway
