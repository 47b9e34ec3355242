// A device that comes through a proxy, and the owner who lets it in.

#include <csignal>
#include <filesystem>
#include <sstream>

#include "tests/journeys/journey.h"

namespace {

class Pairing : public Journey {
  protected:
    // As Fly runs it, with nobody paired yet.
    void start_on_fly() {
        HardshellProcess::Options options;
        options.environment["FLY_APP_NAME"] = "my-assistant";
        start(options);
    }
    static GatewayClient::Options page_behind_the_proxy(const DeviceKey& device) {
        GatewayClient::Options options = owner();
        options.client_id = "openclaw-control-ui";
        options.client_mode = "webchat";
        options.scopes = {"operator.admin", "operator.approvals", "operator.pairing"};
        options.device = &device;
        options.host = "my-assistant.fly.dev";
        options.headers =
            "Origin: https://my-assistant.fly.dev\r\nX-Forwarded-For: 203.0.113.9, 66.241.124.1\r\n"
            "X-Forwarded-Proto: https\r\nFly-Client-IP: 203.0.113.9\r\n";
        return options;
    }
    // What the refused device is told.
    Json refusal(const GatewayClient::Options& options) {
        GatewayClient client;
        const Json answer = client.connect(hardshell->port(), options);
        EXPECT_FALSE(bool_member(answer, "ok", true)) << print_json(answer);
        EXPECT_TRUE(client.wait_closed());
        EXPECT_EQ(client.socket().close_code(), 1008);
        close_reason_ = client.socket().close_reason();
        return member(answer, "error");
    }
    // The command line's answer; the test fails when it did not work.
    Json command(std::vector<std::string> words) {
        words.push_back("--json");
        const auto result = hardshell->command(words);
        EXPECT_EQ(result.exit_code, 0) << result.output;
        const Result<Json> parsed = parse_json(result.output);
        EXPECT_TRUE(parsed) << result.output;
        return parsed ? *parsed : Json();
    }
    static std::vector<std::string> words(const std::string& line) {
        std::vector<std::string> found;
        std::istringstream text(line);
        for (std::string word; text >> word;) found.push_back(word);
        return found;
    }

    std::string close_reason_;
};

TEST_F(Pairing, IsSolvedByTheCommandThatTheErrorNames) {
    start_on_fly();
    const DeviceKey device;
    const GatewayClient::Options options = page_behind_the_proxy(device);
    const Json error = refusal(options);
    EXPECT_EQ(text_member(error, "code"), "NOT_PAIRED");
    const std::string line = text_member(member(error, "details"), "command");
    ASSERT_EQ(line.compare(0, 26, "hardshell devices approve "), 0) << print_json(error);
    // Whoever sees no more than the close reason can type it, too.
    EXPECT_NE(close_reason_.find("`" + line + "`"), std::string::npos) << close_reason_;
    EXPECT_NE(text_member(error, "message").find("fly ssh console -a my-assistant"),
              std::string::npos);

    const Json list = command({"devices", "list"});
    ASSERT_EQ(member(list, "pending").size(), 1u) << print_json(list);
    EXPECT_EQ(text_member(member(list, "pending")[0], "deviceId"), device.id());

    const std::vector<std::string> typed = words(line);
    const Json approved = command({typed.begin() + 1, typed.end()});
    EXPECT_EQ(text_member(member(approved, "device"), "deviceId"), device.id());
    GatewayClient page;
    const Json hello = page.connect(hardshell->port(), options);
    ASSERT_TRUE(bool_member(hello, "ok")) << print_json(hello);
    EXPECT_TRUE(bool_member(page.request("device.pair.list"), "ok"));
    // Asked twice, it says what is wrong in words.
    const auto again = hardshell->command({typed.begin() + 1, typed.end()});
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_NE(again.output.find("no request " + typed.back()), std::string::npos) << again.output;
}

TEST_F(Pairing, NeedsNoTokenAtTheMachineItself) {
    HardshellProcess::Options options;
    options.environment["OPENCLAW_GATEWAY_TOKEN"] = "";
    start(options);
    const DeviceKey device;
    const auto generated = hardshell->command({"dashboard"}).output;
    const size_t at = generated.find("#token=");
    ASSERT_NE(at, std::string::npos) << generated;
    GatewayClient::Options page = page_behind_the_proxy(device);
    page.token = generated.substr(at + 7, generated.find_first_of("\n ", at) - at - 7);
    page.host = page.headers = "";
    page.headers = "X-Forwarded-For: 203.0.113.9\r\n";
    EXPECT_EQ(text_member(refusal(page), "code"), "NOT_PAIRED");
    // The only copy of the token goes: nothing but the control socket is left.
    EXPECT_TRUE(
        std::filesystem::remove(hardshell->state_dir() + "/hardshell/planner/gateway-token"));
    command({"devices", "approve", "--latest"});
    GatewayClient client;
    EXPECT_TRUE(client.admitted(hardshell->port(), page));
}

TEST_F(Pairing, WorksFromAPageThatIsPairedAlready) {
    start_on_fly();
    const DeviceKey first, second;
    (void)refusal(page_behind_the_proxy(first));
    command({"devices", "approve", "--latest"});
    GatewayClient page = connect(page_behind_the_proxy(first));
    const std::string id =
        text_member(member(refusal(page_behind_the_proxy(second)), "details"), "requestId");
    EXPECT_FALSE(page.wait_event("device.pair.requested",
                                 [&](const Json& payload) {
                                     return text_member(payload, "requestId") == id;
                                 })
                     .is_null());
    EXPECT_TRUE(bool_member(page.request("device.pair.approve", {{"requestId", id}}), "ok"));
    EXPECT_FALSE(page.wait_event("device.pair.resolved").is_null());
    (void)connect(page_behind_the_proxy(second));
}

TEST_F(Pairing, IsEndedByTheOwnerWhileTheDeviceIsConnected) {
    start_on_fly();
    const DeviceKey device;
    GatewayClient::Options options = page_behind_the_proxy(device);
    (void)refusal(options);
    command({"devices", "approve", "--latest"});
    GatewayClient page;
    const Json hello = page.connect(hardshell->port(), options);
    options.token = text_member(member_at(hello, "payload.auth"), "deviceToken");
    ASSERT_EQ(options.token.size(), 32u);

    GatewayClient by_token = connect(options);
    const Json rotated =
        command({"devices", "rotate", "--device", device.id(), "--role", "operator"});
    EXPECT_TRUE(by_token.wait_closed());
    EXPECT_EQ(by_token.socket().close_reason(), "device token rotated");
    EXPECT_EQ(text_member(refusal(options), "message").compare(0, 12, "unauthorized"), 0);
    options.token = text_member(rotated, "token");
    GatewayClient again = connect(options);

    command({"devices", "revoke", "--device", device.id(), "--role", "operator"});
    EXPECT_TRUE(again.wait_closed());
    EXPECT_EQ(again.socket().close_code(), 1008);
    EXPECT_EQ(again.socket().close_reason(), "device token revoked");
    EXPECT_EQ(text_member(refusal(options), "message").compare(0, 12, "unauthorized"), 0);
    EXPECT_EQ(hardshell->log().find(text_member(rotated, "token")), std::string::npos);
}

TEST_F(Pairing, SurvivesAKill) {
    start_on_fly();
    const DeviceKey device;
    const GatewayClient::Options options = page_behind_the_proxy(device);
    const std::string id = text_member(member(refusal(options), "details"), "requestId");
    const pid_t former = hardshell->worker("gateway");
    ASSERT_GT(former, 1);
    kill(former, SIGKILL);
    ASSERT_NE(hardshell->wait_worker_replaced("gateway", former), 0);
    ASSERT_TRUE(hardshell->wait_started());
    command({"devices", "approve", id});
    (void)connect(options);
    const pid_t approved_by = hardshell->worker("gateway");
    ASSERT_GT(approved_by, 1);
    kill(approved_by, SIGKILL);
    ASSERT_NE(hardshell->wait_worker_replaced("gateway", approved_by), 0);
    ASSERT_TRUE(hardshell->wait_started());
    (void)connect(options);
}

TEST_F(Pairing, IsNotPreventedByWhoGuessesFromTheSameProxy) {
    start();
    const DeviceKey device;
    GatewayClient::Options options = owner();
    options.headers = "X-Forwarded-For: 203.0.113.9\r\n";
    options.device = &device;
    (void)refusal(options);
    command({"devices", "approve", "--latest"});
    // The proxy is not one that the owner named, so all of this comes from one address.
    GatewayClient::Options guess = options;
    guess.device = nullptr;
    guess.token = "wrong";
    std::string message;
    for (int i = 0; i < 25; ++i) message = text_member(refusal(guess), "message");
    EXPECT_NE(message.find("too many failed attempts"), std::string::npos) << message;
    (void)connect(options);
    const DeviceKey another;
    options.device = &another;
    EXPECT_EQ(text_member(refusal(options), "code"), "NOT_PAIRED");
    command({"devices", "approve", "--latest"});
    (void)connect(options);
}

}  // namespace
