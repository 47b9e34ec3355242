// Nodes and operators at the gateway program, and what waits for a decision.

#include <gtest/gtest.h>

#include "tests/workers/gateway/connecting.h"
#include "tests/workers/gateway/gateway_fixture.h"
#include "workers/common/base/clock.h"
#include "workers/gateway/exec_approvals.h"
#include "workers/gateway/node_commands.h"

namespace {

Json node_params(const GatewayFixture& gateway) {
    Json params = connecting::params("node-host", "node");
    params["client"]["platform"] = "linux";
    params["client"]["displayName"] = "Workshop";
    params["role"] = "node";
    params["caps"] = {"system"};
    params["commands"] = {"system.run", "system.which", "camera.snap"};
    params["permissions"] = {{"screen", true}};
    params["auth"] = {{"token", gateway.token()}};
    return params;
}

class Nodes : public testing::Test {
  protected:
    std::unique_ptr<WebSocket> node() {
        std::string nonce;
        auto made = gateway.stranger(&nonce);
        send_request(*made, "hello", "connect",
                     device.sign(node_params(gateway), nonce, wall_ms()));
        const Json answer = response_to(*made, "hello");
        EXPECT_TRUE(bool_member(answer, "ok")) << print_json(answer);
        return made;
    }
    Json answer(WebSocket& client, const std::string& method, const Json& params) {
        const std::string id = "q" + std::to_string(++count_);
        send_request(client, id, method, params);
        return response_to(client, id);
    }
    static std::string message(const Json& frame) {
        return text_member(member(frame, "error"), "message");
    }
    Json invocation(const std::string& command) const {
        return {{"nodeId", device.id()},
                {"command", command},
                {"params", {{"command", {"ls"}}, {"approved", true}, {"approvalDecision", "x"}}},
                {"idempotencyKey", "key-1"}};
    }

    GatewayFixture gateway;
    const connecting::Device device;

  private:
    int count_ = 0;
};

TEST_F(Nodes, AreListedWhileConnectedAndAfterwards) {
    const auto owner = gateway.client();
    EXPECT_EQ(member(member(answer(*owner, "node.list", Json::object()), "payload"), "nodes"),
              Json::array());
    auto connected = node();
    const Json listed = member(answer(*owner, "node.list", Json::object()), "payload");
    EXPECT_GT(int_member(listed, "ts"), 0);
    ASSERT_EQ(member(listed, "nodes").size(), 1u);
    const Json& entry = member(listed, "nodes")[0];
    EXPECT_EQ(text_member(entry, "nodeId"), device.id());
    EXPECT_EQ(text_member(entry, "displayName"), "Workshop");
    EXPECT_EQ(member(entry, "commands").size(), 3u);
    EXPECT_EQ(member(entry, "permissions"), Json({{"screen", true}}));
    EXPECT_TRUE(bool_member(entry, "paired"));
    EXPECT_TRUE(bool_member(entry, "connected"));
    EXPECT_TRUE(bool_member(
        answer(*owner, "node.rename", {{"nodeId", device.id()}, {"displayName", "Cellar"}}), "ok"));
    connected->drop();
    (void)next_event(*owner, "presence");
    const Json described =
        member(answer(*owner, "node.describe", {{"nodeId", device.id()}}), "payload");
    EXPECT_EQ(text_member(described, "displayName"), "Cellar");
    EXPECT_FALSE(bool_member(described, "connected", true));
    EXPECT_EQ(message(answer(*owner, "node.describe", {{"nodeId", "x"}})), "unknown nodeId");
}

TEST_F(Nodes, AnswerWhatTheyAreAsked) {
    const auto owner = gateway.client();
    const auto connected = node();
    send_request(*owner, "i", "node.invoke", invocation("system.run"));
    const Json asked = next_event(*connected, "node.invoke.request");
    EXPECT_FALSE(asked.contains("seq"));
    const Json& request = member(asked, "payload");
    EXPECT_EQ(text_member(request, "command"), "system.run");
    EXPECT_EQ(text_member(request, "idempotencyKey"), "key-1");
    // Only a decision that was asked for may say that it was approved.
    EXPECT_EQ(text_member(request, "paramsJSON"), R"({"command":["ls"]})");
    const Json result = {{"id", text_member(request, "id")},
                         {"nodeId", device.id()},
                         {"ok", true},
                         {"payloadJSON", R"({"out":"x"})"}};
    Json foreign = result;
    foreign["nodeId"] = "another";
    EXPECT_EQ(message(answer(*connected, "node.invoke.result", foreign)), "nodeId mismatch");
    EXPECT_EQ(member(answer(*connected, "node.invoke.result", result), "payload"),
              Json({{"ok", true}}));
    EXPECT_EQ(member(response_to(*owner, "i"), "payload"),
              (Json{{"ok", true},
                    {"nodeId", device.id()},
                    {"command", "system.run"},
                    {"payload", {{"out", "x"}}},
                    {"payloadJSON", R"({"out":"x"})"}}));
    EXPECT_EQ(member(answer(*connected, "node.invoke.result", result), "payload"),
              (Json{{"ok", true}, {"ignored", true}}));
    EXPECT_EQ(message(answer(*connected, "health", Json::object())), "unauthorized role: node");
}

TEST_F(Nodes, FailWithAReason) {
    const auto owner = gateway.client();
    const Json away = answer(*owner, "node.invoke", invocation("system.run"));
    EXPECT_EQ(text_member(member(away, "error"), "code"), "UNAVAILABLE");
    EXPECT_EQ(text_member(member(member(away, "error"), "details"), "code"), "NOT_CONNECTED");
    auto connected = node();
    const Json refused = answer(*owner, "node.invoke", invocation("camera.snap"));
    EXPECT_EQ(text_member(member(refused, "error"), "code"), "INVALID_REQUEST");
    EXPECT_EQ(text_member(member(member(refused, "error"), "details"), "command"), "camera.snap");
    Json impatient = invocation("system.run");
    impatient["timeoutMs"] = 1;
    EXPECT_EQ(message(answer(*owner, "node.invoke", impatient)),
              "node invoke timed out (system.run)");
    send_request(*owner, "i", "node.invoke", invocation("system.run"));
    const Json asked = next_event(*connected, "node.invoke.request");
    send_request(*owner, "j", "node.invoke", invocation("system.which"));
    std::string id;
    for (Json event = next_event(*connected, "node.invoke.request"); id.empty();) {
        if (text_member(member(event, "payload"), "command") == "system.which")
            id = text_member(member(event, "payload"), "id");
        else
            event = next_event(*connected, "node.invoke.request");
    }
    (void)answer(*connected, "node.invoke.result",
                 {{"id", id},
                  {"nodeId", device.id()},
                  {"ok", false},
                  {"error", {{"code", "E"}, {"message", "no such program"}}}});
    const Json failed = response_to(*owner, "j");
    EXPECT_EQ(message(failed), "no such program");
    EXPECT_EQ(text_member(member(member(member(failed, "error"), "details"), "nodeError"), "code"),
              "E");
    connected->drop();
    EXPECT_EQ(message(response_to(*owner, "i")), "node disconnected (system.run)");
}

TEST_F(Nodes, SayThingsToTheAssistant) {
    const auto connected = node();
    EXPECT_TRUE(
        bool_member(answer(*connected, "node.event",
                           {{"event", "voice.transcript"},
                            {"payloadJSON", R"({"text":"lights on","sessionKey":"main"})"}}),
                    "ok"));
    const auto asked = gateway.next_request();
    EXPECT_EQ(asked.method(), "agent");
    const Json params = *parse_json(asked.params_json());
    EXPECT_EQ(text_member(params, "message"), "lights on");
    EXPECT_EQ(text_member(params, "sessionKey"), "main");
    ASSERT_EQ(asked.caller().scopes_size(), 1);
    EXPECT_EQ(asked.caller().scopes(0), "operator.write");
    EXPECT_TRUE(bool_member(answer(*connected, "node.event", {{"event", "no.such"}}), "ok"));
    EXPECT_EQ(message(answer(*connected, "node.event", {{"event", ""}})),
              "invalid node.event params: at /event: must NOT have fewer than 1 characters");
}

TEST_F(Nodes, LeaveTheirPlaceToTheirNextConnection) {
    const auto owner = gateway.client();
    auto first = node();
    const auto second = node();
    first->drop();
    (void)next_event(*owner, "presence");
    send_request(*owner, "i", "node.invoke", invocation("system.run"));
    EXPECT_FALSE(next_event(*second, "node.invoke.request").is_null());
}

TEST_F(Nodes, ExecApprovalsWaitForADecision) {
    const auto asks = gateway.client();
    const auto decides = gateway.client();
    send_request(*asks, "a", "exec.approval.request",
                 {{"id", "one"}, {"command", "rm -r x"}, {"cwd", nullptr}});
    const Json event = member(next_event(*decides, "exec.approval.requested"), "payload");
    EXPECT_EQ(text_member(event, "id"), "one");
    EXPECT_EQ(text_member(member(event, "request"), "command"), "rm -r x");
    EXPECT_EQ(int_member(event, "expiresAtMs") - int_member(event, "createdAtMs"), 120'000);
    EXPECT_EQ(
        message(answer(*decides, "exec.approval.request", {{"id", "one"}, {"command", "again"}})),
        "approval id already pending");
    EXPECT_EQ(message(answer(*decides, "exec.approval.resolve",
                             {{"id", "one"}, {"decision", "perhaps"}})),
              "invalid decision");
    EXPECT_EQ(
        message(answer(*decides, "exec.approval.resolve", {{"id", "two"}, {"decision", "deny"}})),
        "unknown approval id");
    EXPECT_TRUE(bool_member(
        answer(*decides, "exec.approval.resolve", {{"id", "one"}, {"decision", "allow-once"}}),
        "ok"));
    const Json outcome = member(response_to(*asks, "a"), "payload");
    EXPECT_EQ(text_member(outcome, "decision"), "allow-once");
    const Json resolved = member(next_event(*asks, "exec.approval.resolved"), "payload");
    EXPECT_EQ(text_member(resolved, "resolvedBy"), "test");
    const Json late = member(
        answer(*asks, "exec.approval.request", {{"command", "x"}, {"timeoutMs", 1}}), "payload");
    EXPECT_TRUE(late.contains("decision") && member(late, "decision").is_null());
    EXPECT_FALSE(text_member(late, "id").empty());
    EXPECT_EQ(message(answer(*asks, "exec.approval.request", {{"command", "x"}, {"cwd", 1}})),
              "invalid exec.approval.request params: at /cwd: must be string or null");
}

TEST(NodeCommands, AllowsWhatIsUsualDeclaredAndNotDenied) {
    using gateway::command_refusal;
    const std::vector<std::string> all{"system.run", "camera.snap", "own.thing", "sms.send",
                                       "system.execApprovals.set"};
    const gateway::NodePolicy plain;
    const gateway::NodePolicy lists{{"own.thing"}, {"system.run"}};
    struct Row {
        const char* command;
        const char* platform;
        std::vector<std::string> declared;
        const gateway::NodePolicy& policy;
        bool allowed;
    };
    const Row rows[] = {
        {"system.run", "linux", all, plain, true},
        {"system.run", "macOS 15", all, plain, true},
        {"system.run", "iOS", all, plain, false},
        {"system.run", "linux", {}, plain, false},
        {"system.run", "linux", all, lists, false},
        {"camera.snap", "linux", all, plain, false},
        {"camera.snap", "iPadOS", all, plain, true},
        {"camera.snap", "fridge", all, plain, true},
        {"sms.send", "android", all, plain, true},
        {"sms.send", "ios", all, plain, false},
        {"own.thing", "linux", all, plain, false},
        {"own.thing", "linux", all, lists, true},
        {"own.thing", "linux", {}, lists, false},
        {"system.execApprovals.set", "linux", all, plain, false},
    };
    for (const Row& row : rows)
        EXPECT_EQ(command_refusal(row.command, row.platform, row.declared, row.policy).empty(),
                  row.allowed)
            << row.command << " on " << row.platform;
}

}  // namespace
