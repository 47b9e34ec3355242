// A user starts the gateway with nothing configured and talks to it.

#include "tests/journeys/journey.h"

namespace {

using FirstAnswer = Journey;

TEST_F(FirstAnswer, SaysWhereItListens) {
    start();
    const auto line = hardshell->wait_line("[gateway] listening on ws://");
    ASSERT_TRUE(line);
    EXPECT_NE(line->find(":" + std::to_string(hardshell->port()) + " (PID "), std::string::npos)
        << *line;
}

TEST_F(FirstAnswer, BindsEveryAddressForTheCommandLineOfTheFlyGuide) {
    hardshell = std::make_unique<HardshellProcess>();
    const std::string port = std::to_string(hardshell->port());
    HardshellProcess::Options options;
    options.arguments = {"--allow-unconfigured", "--port", port, "--bind", "lan"};
    options.environment["OPENCLAW_GATEWAY_PORT"] = port;
    options.environment["FLY_APP_NAME"] = "my-assistant";
    options.environment["FLY_MACHINE_ID"] = "0123456789abcd";
    hardshell = std::make_unique<HardshellProcess>(options);
    hardshell->start();
    const auto line = hardshell->wait_line("[gateway] listening on ws://");
    ASSERT_TRUE(line);
    ASSERT_TRUE(hardshell->wait_line("agent is ready"));
    EXPECT_NE(line->find("ws://0.0.0.0:" + port), std::string::npos) << *line;
    // A shell on the machine does not see that command line, and must not judge without it.
    const std::string findings = hardshell->command({"doctor", "--fly"}).output;
    EXPECT_EQ(findings.find("loopback only"), std::string::npos) << findings;
    EXPECT_NE(findings.find("fly volume"), std::string::npos) << findings;
    EXPECT_EQ(hardshell->stop(), 0);
}

TEST_F(FirstAnswer, ComesFromTheDemonstrationModelWhichSaysWhatItIs) {
    start();
    GatewayClient client = connect();
    const Turn turn = chat_turn(client, "hello out there");
    EXPECT_EQ(turn.state, "final") << turn.error;
    EXPECT_NE(turn.text.find("demonstration"), std::string::npos) << turn.text;
    EXPECT_NE(turn.text.find("hello out there"), std::string::npos) << turn.text;
    EXPECT_NE(turn.text.find("ANTHROPIC_API_KEY"), std::string::npos) << turn.text;
    const auto lines = history(client);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0], "user: hello out there");
    EXPECT_EQ(lines[1], "assistant: " + turn.text);
}

TEST_F(FirstAnswer, ShowsTheEventsOfARunInTheirOrder) {
    start();
    GatewayClient client = connect();
    const Turn turn = chat_turn(client, "hello");
    ASSERT_EQ(turn.state, "final");
    ASSERT_FALSE(turn.deltas.empty());
    for (size_t i = 1; i < turn.deltas.size(); ++i)
        EXPECT_EQ(turn.deltas[i].compare(0, turn.deltas[i - 1].size(), turn.deltas[i - 1]), 0)
            << "a delta is cumulative";
    std::vector<std::string> phases;
    int64_t last_sequence = 0;
    std::string text;
    for (const Json& payload : client.payloads("agent")) {
        if (text_member(payload, "runId") != turn.run_id) continue;
        EXPECT_EQ(int_member(payload, "seq"), last_sequence + 1);
        last_sequence = int_member(payload, "seq");
        EXPECT_EQ(text_member(payload, "sessionKey"), "main");
        const Json& data = member(payload, "data");
        if (text_member(payload, "stream") == "lifecycle")
            phases.push_back(text_member(data, "phase"));
        if (text_member(payload, "stream") == "assistant") {
            text += text_member(data, "delta");
            EXPECT_EQ(text_member(data, "text"), text);
        }
    }
    EXPECT_EQ(phases, (std::vector<std::string>{"start", "end"}));
    EXPECT_EQ(text, turn.text);
}

TEST_F(FirstAnswer, IsSeenByEveryClientWithoutAGapInTheSequence) {
    start();
    GatewayClient first = connect();
    GatewayClient second = connect();
    for (int i = 0; i < 3; ++i) {
        const Turn turn = chat_turn(first, "turn " + std::to_string(i));
        ASSERT_EQ(turn.state, "final");
        const Json seen = second.wait_event("chat", [&](const Json& payload) {
            return text_member(payload, "runId") == turn.run_id &&
                   text_member(payload, "state") == "final";
        });
        EXPECT_EQ(message_text(member(member(seen, "payload"), "message")), turn.text);
    }
    for (GatewayClient* client : {&first, &second}) {
        int64_t last = 0;
        int counted = 0;
        for (const Json& event : client->events()) {
            if (!event.contains("seq")) continue;
            if (last != 0) {
                EXPECT_EQ(int_member(event, "seq"), last + 1);
            }
            last = int_member(event, "seq");
            ++counted;
        }
        EXPECT_GT(counted, 9);
    }
}

TEST_F(FirstAnswer, GreetsWithWhatTheStockClientsRead) {
    start();
    GatewayClient client;
    const Json answer = client.connect(hardshell->port(), owner());
    const Json& hello = member(answer, "payload");
    EXPECT_EQ(text_member(hello, "type"), "hello-ok");
    EXPECT_EQ(int_member(hello, "protocol"), 3);
    EXPECT_FALSE(text_member(member(hello, "server"), "connId").empty());
    EXPECT_EQ(text_member(member_at(hello, "snapshot.sessionDefaults"), "mainSessionKey"),
              "agent:main:main");
    EXPECT_TRUE(member_at(hello, "snapshot.presence").is_array());
    EXPECT_TRUE(member_at(hello, "snapshot.health").is_object());
    EXPECT_EQ(text_member(member(hello, "snapshot"), "stateDir"), hardshell->state_dir());
    EXPECT_EQ(int_member(member(hello, "policy"), "maxPayload"), 524288);
    EXPECT_EQ(int_member(member(hello, "policy"), "tickIntervalMs"), 30000);
    const Json& methods = member_at(hello, "features.methods");
    EXPECT_NE(std::find(methods.begin(), methods.end(), "chat.send"), methods.end());
}

TEST_F(FirstAnswer, ServesTheMethodsOfAControlPage) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "hello").state, "final");
    const auto payload = [&](const std::string& method, const Json& params = Json::object()) {
        const Json answer = client.request(method, params);
        EXPECT_TRUE(bool_member(answer, "ok")) << method << ": " << print_json(answer);
        return member(answer, "payload");
    };
    EXPECT_EQ(text_member(payload("agents.list"), "defaultId"), "main");
    EXPECT_EQ(text_member(payload("agent.identity.get", {{"sessionKey", "main"}}), "agentId"),
              "main");
    EXPECT_TRUE(member(payload("models.list"), "models").is_array());
    EXPECT_TRUE(member(payload("node.list"), "nodes").empty());
    const Json devices = payload("device.pair.list");
    EXPECT_TRUE(member(devices, "pending").is_array());
    EXPECT_TRUE(member(devices, "paired").is_array());
    EXPECT_TRUE(payload("system-presence").is_array());
    const Json health = payload("health");
    EXPECT_TRUE(bool_member(health, "ok")) << print_json(health);
    EXPECT_EQ(text_member(health, "defaultAgentId"), "main");
    EXPECT_EQ(int_member(member(payload("status"), "sessions"), "count"), 1);
    const Json sessions = payload("sessions.list");
    ASSERT_EQ(member(sessions, "sessions").size(), 1u);
    EXPECT_EQ(text_member(member(sessions, "sessions")[0], "key"), "agent:main:main");
    const Json unknown = client.request("no.such.method");
    EXPECT_FALSE(bool_member(unknown, "ok"));
    EXPECT_EQ(text_member(member(unknown, "error"), "message"), "unknown method: no.such.method");
}

TEST_F(FirstAnswer, ComesTwiceForTheMethodAgent) {
    start();
    GatewayClient client = connect();
    const std::string id =
        client.send("agent", {{"message", "two steps"}, {"idempotencyKey", "agent-run-1"}});
    const Json accepted = client.response(id);
    EXPECT_EQ(text_member(member(accepted, "payload"), "status"), "accepted")
        << print_json(accepted);
    EXPECT_EQ(text_member(member(accepted, "payload"), "runId"), "agent-run-1");
    const Json done = client.response(id);
    EXPECT_EQ(text_member(member(done, "payload"), "status"), "ok") << print_json(done);
    const Json& payloads = member_at(done, "payload.result.payloads");
    ASSERT_EQ(payloads.size(), 1u);
    EXPECT_NE(text_member(payloads[0], "text").find("two steps"), std::string::npos);
    const Json waited = client.request("agent.wait", {{"runId", "agent-run-1"}});
    EXPECT_EQ(text_member(member(waited, "payload"), "status"), "ok") << print_json(waited);
}

TEST_F(FirstAnswer, IsGivenOnceForADuplicateKey) {
    start();
    GatewayClient client = connect();
    const Json params = {
        {"sessionKey", "main"}, {"message", "only once"}, {"idempotencyKey", "same-key"}};
    ASSERT_TRUE(bool_member(client.request("chat.send", params), "ok"));
    ASSERT_FALSE(client
                     .wait_event("chat",
                                 [](const Json& payload) {
                                     return text_member(payload, "state") == "final";
                                 })
                     .is_null());
    const Json again = client.request("chat.send", params);
    EXPECT_TRUE(bool_member(again, "ok")) << print_json(again);
    EXPECT_EQ(text_member(member(again, "payload"), "runId"), "same-key");
    EXPECT_EQ(text_member(member(again, "payload"), "status"), "ok");
    EXPECT_EQ(history(client).size(), 2u);
}

TEST_F(FirstAnswer, AlsoReachesTheCommandLine) {
    start();
    const auto answer = hardshell->command({"agent", "-m", "hello from a shell"});
    EXPECT_EQ(answer.exit_code, 0) << answer.output;
    EXPECT_NE(answer.output.find("hello from a shell"), std::string::npos) << answer.output;
    for (const char* verb : {"status", "health"}) {
        const auto result = hardshell->command({verb});
        EXPECT_EQ(result.exit_code, 0) << verb << ": " << result.output;
    }
}

TEST_F(FirstAnswer, HealthEndpointsNeedNoToken) {
    start();
    const uint16_t port = hardshell->port();
    const HttpAnswer live = http_get(port, "/healthz");
    EXPECT_EQ(live.status, 200);
    EXPECT_NE(live.body.find("\"live\""), std::string::npos) << live.body;
    EXPECT_EQ(http_get(port, "/startupz").status, 200);
    EXPECT_TRUE(hardshell->wait_ready());
    const HttpAnswer head = http_get(port, "/healthz", {}, "HEAD");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.body, "");
}

}  // namespace
