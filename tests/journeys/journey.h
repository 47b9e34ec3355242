// What every journey starts from: a running Hardshell and clients of it.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/support/gateway_client.h"
#include "tests/support/hardshell_process.h"
#include "tests/support/http_get.h"

class Journey : public testing::Test {
  protected:
    void TearDown() override {
        if (HasFailure() && hardshell) {
            std::fprintf(stderr, "--- log of hardshell ---\n%s--- end ---\n",
                         hardshell->log().c_str());
        }
    }

    // Starts it and waits until it serves.
    void start(HardshellProcess::Options options = {}) {
        hardshell = std::make_unique<HardshellProcess>(std::move(options));
        ASSERT_TRUE(hardshell->start_and_wait()) << "/startupz did not become 200";
    }
    static GatewayClient::Options owner() {
        GatewayClient::Options options;
        options.token = HardshellProcess::token;
        return options;
    }
    // An admitted owner.
    GatewayClient connect() { return connect(owner()); }
    GatewayClient connect(const GatewayClient::Options& options) {
        GatewayClient client;
        EXPECT_TRUE(client.admitted(hardshell->port(), options));
        return client;
    }
    // Texts of the main session as chat.history tells them, "role: text".
    static std::vector<std::string> history(GatewayClient& client,
                                            const std::string& session_key = "main") {
        std::vector<std::string> lines;
        const Json answer = client.request("chat.history", {{"sessionKey", session_key}});
        EXPECT_TRUE(bool_member(answer, "ok")) << print_json(answer);
        for (const Json& message : member(member(answer, "payload"), "messages"))
            lines.push_back(text_member(message, "role") + ": " + message_text(message));
        return lines;
    }
    static bool contains(const std::vector<std::string>& lines, const std::string& text) {
        for (const std::string& line : lines)
            if (line.find(text) != std::string::npos) return true;
        return false;
    }

    std::unique_ptr<HardshellProcess> hardshell;
};
