// Who is let in, and what the others are told.

#include "tests/journeys/journey.h"

namespace {

class Admission : public Journey {
  protected:
    // What a refused client got: the error's code and message, the close code and reason.
    struct Refusal {
        std::string code, message, request_id, reason;
        int close_code = 0;
    };
    Refusal refused(GatewayClient& client, const Json& answer) {
        EXPECT_FALSE(bool_member(answer, "ok", true)) << print_json(answer);
        EXPECT_TRUE(client.wait_closed());
        const Json& error = member(answer, "error");
        return {text_member(error, "code"), text_member(error, "message"),
                text_member(member(error, "details"), "requestId"), client.socket().close_reason(),
                client.socket().close_code()};
    }
    Refusal refused(const GatewayClient::Options& options) {
        GatewayClient client;
        return refused(client, client.connect(hardshell->port(), options));
    }
    static GatewayClient::Options behind_a_proxy(GatewayClient::Options options) {
        options.headers += "X-Forwarded-For: 203.0.113.9\r\n";
        return options;
    }
};

TEST_F(Admission, RefusesAWrongTokenWithTheReason) {
    start();
    GatewayClient::Options options = owner();
    options.token = "wrong-token-wrong-token-wrong";
    const Refusal refusal = refused(options);
    EXPECT_EQ(refusal.code, "INVALID_REQUEST");
    EXPECT_EQ(refusal.message.compare(0, 12, "unauthorized"), 0) << refusal.message;
    EXPECT_EQ(refusal.close_code, 1008);
    EXPECT_EQ(refusal.reason, refusal.message.substr(0, 120));
    EXPECT_EQ(hardshell->log().find("wrong-token"), std::string::npos);
}

TEST_F(Admission, AsksForADeviceWhereNothingIsPresented) {
    start();
    GatewayClient::Options options;
    const Refusal refusal = refused(options);
    EXPECT_EQ(refusal.code, "NOT_PAIRED");
    EXPECT_EQ(refusal.message, "device identity required");
    EXPECT_EQ(refusal.close_code, 1008);
}

TEST_F(Admission, TakesThePasswordWhereOneIsConfigured) {
    HardshellProcess::Options with_password;
    with_password.environment["OPENCLAW_GATEWAY_TOKEN"] = "";
    with_password.environment["OPENCLAW_GATEWAY_PASSWORD"] = "correct horse battery";
    start(with_password);
    GatewayClient::Options options;
    options.password = "correct horse battery";
    const GatewayClient client = connect(options);
    options.password = "wrong";
    EXPECT_EQ(refused(options).close_code, 1008);
}

TEST_F(Admission, PairsALocalDeviceSilentlyAndKnowsItAgain) {
    start();
    const DeviceKey device;
    GatewayClient::Options options = owner();
    options.device = &device;
    GatewayClient client;
    const Json answer = client.connect(hardshell->port(), options);
    ASSERT_TRUE(bool_member(answer, "ok")) << print_json(answer);
    const Json& auth = member_at(answer, "payload.auth");
    const std::string device_token = text_member(auth, "deviceToken");
    EXPECT_EQ(device_token.size(), 32u);
    EXPECT_EQ(text_member(auth, "role"), "operator");

    GatewayClient::Options later = behind_a_proxy(options);
    later.token = device_token;  // from anywhere, with what it was paired for
    GatewayClient again;
    EXPECT_TRUE(again.admitted(hardshell->port(), later));
    const Json devices = again.request("device.pair.list");
    ASSERT_EQ(member_at(devices, "payload.paired").size(), 1u) << print_json(devices);
    EXPECT_EQ(text_member(member_at(devices, "payload.paired")[0], "deviceId"), device.id());
}

TEST_F(Admission, RefusesAnUnknownDeviceFromElsewhereUntilItIsApproved) {
    start();
    GatewayClient operator_client = connect();
    const DeviceKey device;
    GatewayClient::Options options = behind_a_proxy(owner());
    options.device = &device;
    const Refusal refusal = refused(options);
    EXPECT_EQ(refusal.code, "NOT_PAIRED");
    EXPECT_EQ(refusal.message.compare(0, 17, "pairing required:"), 0) << refusal.message;
    EXPECT_EQ(refusal.close_code, 1008);
    ASSERT_FALSE(refusal.request_id.empty());
    EXPECT_FALSE(operator_client
                     .wait_event("device.pair.requested",
                                 [&](const Json& payload) {
                                     return text_member(payload, "requestId") == refusal.request_id;
                                 })
                     .is_null());
    const Json approved =
        operator_client.request("device.pair.approve", {{"requestId", refusal.request_id}});
    EXPECT_TRUE(bool_member(approved, "ok")) << print_json(approved);
    GatewayClient client;
    EXPECT_TRUE(client.admitted(hardshell->port(), options));
}

TEST_F(Admission, RefusesASignatureOfAnotherChallenge) {
    start();
    const DeviceKey device;
    GatewayClient::Options options = owner();
    options.device = &device;
    GatewayClient earlier, client;
    ASSERT_TRUE(earlier.open(hardshell->port(), options));
    ASSERT_TRUE(client.open(hardshell->port(), options));
    const Refusal replayed =
        refused(client, client.request("connect", earlier.connect_params(options)));
    EXPECT_EQ(replayed.message, "device nonce mismatch");

    GatewayClient forger;
    ASSERT_TRUE(forger.open(hardshell->port(), options));
    Json params = forger.connect_params(options);
    params["scopes"] = {"operator.admin", "operator.pairing"};  // not what was signed
    EXPECT_EQ(refused(forger, forger.request("connect", params)).message,
              "device signature invalid");
}

TEST_F(Admission, RefusesAnotherProtocolAndAMalformedHandshake) {
    start();
    GatewayClient client;
    ASSERT_TRUE(client.open(hardshell->port(), owner()));
    Json params = client.connect_params(owner());
    params["minProtocol"] = 4;
    params["maxProtocol"] = 4;
    const Json answer = client.request("connect", params);
    EXPECT_EQ(int_member(member_at(answer, "error.details"), "expectedProtocol"), 3);
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.socket().close_code(), 1002);

    ASSERT_TRUE(client.open(hardshell->port(), owner()));
    EXPECT_EQ(refused(client, client.request("health")).close_code, 1008);
    ASSERT_TRUE(client.open(hardshell->port(), owner()));
    client.socket().send_text("{not json");
    EXPECT_TRUE(client.wait_closed());
}

TEST_F(Admission, AnswersAForeignPageBeforeTheUpgrade) {
    start();
    GatewayClient::Options options = owner();
    options.headers = "Origin: https://evil.example\r\n";
    GatewayClient client;
    EXPECT_FALSE(client.open(hardshell->port(), options));
    EXPECT_EQ(client.socket().http_status(), 403);
    options.headers = "Origin: http://localhost:" + std::to_string(hardshell->port()) + "\r\n";
    EXPECT_TRUE(client.admitted(hardshell->port(), options));
}

TEST_F(Admission, DecidesScopesItself) {
    start();
    GatewayClient::Options options = owner();
    options.scopes = {"operator.read"};
    GatewayClient reader = connect(options);
    EXPECT_TRUE(bool_member(reader.request("health"), "ok"));
    const Json denied = reader.request(
        "chat.send", {{"sessionKey", "main"}, {"message", "x"}, {"idempotencyKey", "denied"}});
    EXPECT_EQ(text_member(member(denied, "error"), "message"), "missing scope: operator.write");
}

TEST_F(Admission, ClosesOnAFrameThatIsTooLargeAndServesTheOthers) {
    start();
    GatewayClient client = connect();
    GatewayClient other = connect();
    client.socket().send_text(std::string(524289, 'x'));
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.socket().close_code(), 1009);
    EXPECT_TRUE(bool_member(other.request("health"), "ok"));
    const std::string message(500'000, 'y');
    EXPECT_EQ(chat_turn(other, message).state, "final");
}

TEST_F(Admission, LetsNobodyFloodTheLog) {
    start();
    GatewayClient client = connect();
    for (int i = 0; i < 300; ++i) client.socket().send_text("{not json");
    EXPECT_TRUE(bool_member(client.request("health"), "ok"));
    client.socket().drop();
    const auto told = hardshell->wait_line("earlier lines were left out");
    ASSERT_TRUE(told);
    size_t lines = 0;
    for (const std::string& line : hardshell->lines())
        if (line.find("res ✗") != std::string::npos) ++lines;
    EXPECT_GE(lines, 1u);  // the supervisor counts those that are alike
    EXPECT_LE(lines, 40u);
}

TEST_F(Admission, KeepsTheSocketOpenAfterAnInvalidFrame) {
    start();
    GatewayClient client = connect();
    client.socket().send_text("{not json");
    const Json refusal = client.response("invalid");
    EXPECT_EQ(text_member(member(refusal, "error"), "code"), "INVALID_REQUEST")
        << print_json(refusal);
    client.socket().send_text(R"({"type":"req","id":"bad-1","method":"health","extra":1})");
    const Json answer = client.response("bad-1");
    EXPECT_EQ(
        text_member(member(answer, "error"), "message").compare(0, 22, "invalid request frame:"), 0)
        << print_json(answer);
    EXPECT_TRUE(bool_member(client.request("health"), "ok"));
}

}  // namespace
