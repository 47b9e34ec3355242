#include "workers/tunnel/tailscale_words.h"

#include <gtest/gtest.h>

namespace tunnel {

namespace {

constexpr const char* host = "box.tail1.ts.net";
constexpr const char* foreground = R"({"Foreground":{"s1":{"TCP":{"443":{"HTTPS":true}},
    "Web":{"box.tail1.ts.net:443":{"Handlers":{"/":{"Proxy":"http://127.0.0.1:3334"}}}},
    "AllowFunnel":{"box.tail1.ts.net:443":true}}}})";

}  // namespace

TEST(TailscaleWords, ANodeIsReadFromItsStatus) {
    const auto node =
        read_node_status(R"({"BackendState":"Running","Self":{"DNSName":"box.tail1.ts.net."},)"
                         R"("CertDomains":["box.tail1.ts.net"]})");
    ASSERT_TRUE(node);
    EXPECT_EQ(node->backend, "Running");
    EXPECT_EQ(node->host, host);
    EXPECT_TRUE(node->has_certificates);
    EXPECT_EQ(read_node_status(R"({"BackendState":"NeedsLogin","AuthURL":"u"})")->auth_url, "u");
    EXPECT_FALSE(
        read_node_status(R"({"BackendState":"Running","CertDomains":null})")->has_certificates);
    for (const char* text : {"", "{}", "[]", "failed to connect", R"({"BackendState":5})"})
        EXPECT_FALSE(read_node_status(text)) << text;
}

TEST(TailscaleWords, WhatIsServedIsFoundInTheForeground) {
    const auto served = read_serve_status(foreground, host, 3334);
    ASSERT_TRUE(served);
    EXPECT_TRUE(served->is_served);
    EXPECT_TRUE(served->is_public);
    EXPECT_TRUE(served->is_foreground);
    EXPECT_FALSE(read_serve_status(foreground, host, 334)->is_served);
    EXPECT_FALSE(read_serve_status(foreground, "other.ts.net", 3334)->is_served);
}

TEST(TailscaleWords, WhatIsServedIsFoundInTheBackground) {
    const auto served = read_serve_status(
        R"({"Web":{"box.tail1.ts.net:443":{"Handlers":{"/p":{"Proxy":"http://127.0.0.1:80/"}}}}})",
        host, 80);
    ASSERT_TRUE(served);
    EXPECT_TRUE(served->is_served);
    EXPECT_FALSE(served->is_public);
    EXPECT_FALSE(served->is_foreground);
}

TEST(TailscaleWords, NothingServedIsAnAnswerToo) {
    for (const char* text : {"{}", "null"}) {
        const auto served = read_serve_status(text, host, 1);
        ASSERT_TRUE(served) << text;
        EXPECT_FALSE(served->is_served);
    }
    EXPECT_FALSE(read_serve_status("no such command", host, 1));
}

TEST(TailscaleWords, WhereToAllowItIsFound) {
    EXPECT_EQ(enable_url_in("\thttps://login.tailscale.com/f/funnel?node=n1 "),
              "https://login.tailscale.com/f/funnel?node=n1");
    EXPECT_FALSE(enable_url_in("https://evil.example/f/funnel"));
}

TEST(TailscaleWords, RefusalsAreToldApart) {
    EXPECT_TRUE(is_about_the_key("backend error: invalid key: API key does not exist"));
    EXPECT_FALSE(is_about_the_key("timeout waiting for Tailscale service"));
    EXPECT_TRUE(is_about_an_older_configuration("error: background configuration already exists"));
    EXPECT_FALSE(is_about_an_older_configuration("error: no certificates"));
}

}  // namespace tunnel
