// Visitors from the tailnet at the gateway program, with a tailscaled of the test's.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/tailscaled_double.h"
#include "tests/workers/gateway/connecting.h"
#include "tests/workers/gateway/gateway_fixture.h"
#include "workers/common/base/clock.h"

namespace {

class Tailnet : public testing::Test {
  protected:
    Tailnet() { daemon.knows("100.64.0.9", "alice@example.com"); }

    GatewayFixture::Options options() const {
        GatewayFixture::Options made;
        made.config_json = R"({"gateway":{"tailscale":{"mode":"serve"}}})";
        made.environment["TS_SOCKET"] = daemon.socket_path();
        return made;
    }
    static std::string headers(const std::string& login,
                               const std::string& address = "100.64.0.9") {
        return "X-Forwarded-For: " + address +
               "\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: box.tail0001.ts.net\r\n"
               "Tailscale-User-Login: " +
               login + "\r\n";
    }
    // What a device without any secret is answered.
    Json error(GatewayFixture& gateway, const std::string& with_headers) {
        WebSocket client;
        EXPECT_TRUE(client.open(gateway.port(), with_headers, Deadline(patience)));
        const Json challenge = next_event(client, "connect.challenge");
        Json params = connecting::params("openclaw-control-ui", "webchat");
        send_request(
            client, "1", "connect",
            device.sign(params, text_member(member(challenge, "payload"), "nonce"), wall_ms()));
        return member(response_to(client, "1"), "error");
    }

    TailscaledDouble daemon{std::filesystem::temp_directory_path().string() + "/tailnet-" +
                            std::to_string(getpid()) + ".sock"};
    const connecting::Device device;
};

TEST_F(Tailnet, LetsInWhomTailscaledKnowsOnceTheDeviceIsApproved) {
    GatewayFixture gateway(options());
    const Json asked = error(gateway, headers("alice@example.com"));
    EXPECT_EQ(text_member(asked, "code"), "NOT_PAIRED");
    const std::string id = text_member(member(asked, "details"), "requestId");
    ASSERT_FALSE(id.empty()) << print_json(asked);
    const auto owner = gateway.client();
    send_request(*owner, "a", "device.pair.approve", {{"requestId", id}});
    EXPECT_TRUE(bool_member(response_to(*owner, "a"), "ok"));
    EXPECT_TRUE(error(gateway, headers("alice@example.com")).is_null());
    // The pairing alone opens nothing.
    EXPECT_EQ(text_member(error(gateway, ""), "message").rfind("unauthorized", 0), 0u);
}

TEST_F(Tailnet, BelievesNoHeaders) {
    GatewayFixture gateway(options());
    for (const std::string& forged :
         {headers("mallory@example.com"), headers("alice@example.com", "100.64.0.10"),
          headers("alice@example.com", "alice"),
          std::string("Tailscale-User-Login: alice@example.com\r\n")})
        EXPECT_EQ(text_member(error(gateway, forged), "message").rfind("unauthorized", 0), 0u)
            << forged;
}

TEST_F(Tailnet, IsNobodyWhereTheOwnerDoesNotAllowIt) {
    GatewayFixture::Options made = options();
    made.config_json = "{}";
    GatewayFixture gateway(made);
    EXPECT_EQ(text_member(error(gateway, headers("alice@example.com")), "message")
                  .rfind("unauthorized", 0),
              0u);
    EXPECT_TRUE(daemon.asked().empty());
}

TEST_F(Tailnet, IsGreetedWhateverTailscaledDoes) {
    GatewayFixture gateway(options());
    daemon.hangs();
    EXPECT_EQ(text_member(error(gateway, headers("alice@example.com")), "message")
                  .rfind("unauthorized", 0),
              0u);
    // One that leaves while tailscaled is asked takes nothing with it.
    {
        WebSocket impatient;
        ASSERT_TRUE(
            impatient.open(gateway.port(), headers("alice@example.com"), Deadline(patience)));
        impatient.drop();
    }
    EXPECT_EQ(text_member(error(gateway, headers("alice@example.com")), "message")
                  .rfind("unauthorized", 0),
              0u);
}

}  // namespace
