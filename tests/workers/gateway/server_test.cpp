// The gateway program itself, over real sockets, between a supervisor and an agent of the test's.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "tests/support/http_get.h"
#include "tests/workers/gateway/connecting.h"
#include "tests/workers/gateway/gateway_fixture.h"

using State = hardshell::proto::WorkerStatus;

namespace {

// Reads until the gateway closes; the code it closed with.
int close_code_of(WebSocket& client) {
    const Deadline deadline(patience);
    while (!client.is_closed() && !deadline.over())
        if (!client.receive(deadline) && !client.is_closed()) break;
    EXPECT_TRUE(client.is_closed()) << "still open";
    return client.close_code();
}

Json error_of(const Json& frame) {
    return member(frame, "error");
}

// The gateway and one client started a run; its request id at the agent was answered.
void start_run(GatewayFixture& gateway, WebSocket& client, const std::string& run) {
    send_request(client, "send-" + run, "chat.send",
                 {{"sessionKey", "main"}, {"message", "hi"}, {"idempotencyKey", run}});
    const auto asked = gateway.next_request();
    EXPECT_EQ(asked.method(), "chat.send");
    gateway.send_result(asked.id(), R"({"runId":")" + run + R"(","status":"started"})");
    EXPECT_TRUE(bool_member(response_to(client, "send-" + run), "ok"));
}

TEST(GatewayServer, GreetsAdmitsAndAnswers) {
    GatewayFixture gateway;
    Json hello;
    const auto client = gateway.client(&hello);
    EXPECT_EQ(text_member(hello, "type"), "hello-ok");
    EXPECT_EQ(int_member(hello, "protocol"), 3);
    EXPECT_EQ(int_member(member(hello, "policy"), "maxPayload"), 524288);
    EXPECT_FALSE(hello.contains("auth"));
    send_request(*client, "h", "health");
    const Json health = member(response_to(*client, "h"), "payload");
    EXPECT_TRUE(bool_member(health, "ok"));
    EXPECT_EQ(int_member(member(health, "sessions"), "count"), 1);
    ASSERT_EQ(member(health, "workers").size(), 2u);
    EXPECT_EQ(text_member(member(health, "workers")[1], "state"), "ready");
    send_request(*client, "s", "status");
    EXPECT_EQ(text_member(member(response_to(*client, "s"), "payload"), "model"), "demo/demo");
    send_request(*client, "p", "system-presence");
    EXPECT_EQ(member(response_to(*client, "p"), "payload").size(), 2u);
    send_request(*client, "n", "node.list", {{"x", 1}});
    EXPECT_EQ(text_member(error_of(response_to(*client, "n")), "message"),
              "invalid node.list params: at root: unexpected property 'x'");
    send_request(*client, "u", "no.such");
    EXPECT_EQ(text_member(error_of(response_to(*client, "u")), "message"),
              "unknown method: no.such");
    send_request(*client, "i", "internal.health");
    EXPECT_EQ(text_member(error_of(response_to(*client, "i")), "message"),
              "unknown method: internal.health");
    send_request(*client, "c", "connect");
    EXPECT_EQ(text_member(error_of(response_to(*client, "c")), "code"), "INVALID_REQUEST");
}

TEST(GatewayServer, PairsALocalDevice) {
    GatewayFixture gateway;
    std::string nonce;
    const auto client = gateway.stranger(&nonce);
    const connecting::Device device;
    const int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
    send_request(*client, "1", "connect",
                 device.sign(GatewayFixture::connect_params(gateway.token()), nonce, now));
    const Json hello = member(response_to(*client, "1"), "payload");
    EXPECT_EQ(text_member(member(hello, "auth"), "deviceToken").size(), 32u);
    send_request(*client, "2", "device.pair.list");
    const Json list = member(response_to(*client, "2"), "payload");
    ASSERT_EQ(member(list, "paired").size(), 1u);
    EXPECT_EQ(text_member(member(list, "paired")[0], "deviceId"), device.id());
}

TEST(GatewayServer, RefusesWithAnErrorAndThenCloses) {
    GatewayFixture gateway;
    const auto wrong = gateway.stranger();
    send_request(*wrong, "1", "connect", GatewayFixture::connect_params("wrong"));
    const Json refused = response_to(*wrong, "1");
    EXPECT_FALSE(bool_member(refused, "ok", true));
    EXPECT_EQ(text_member(error_of(refused), "message").rfind("unauthorized", 0), 0u);
    EXPECT_EQ(close_code_of(*wrong), 1008);
    EXPECT_EQ(wrong->close_reason().rfind("unauthorized", 0), 0u);

    const auto old = gateway.stranger();
    Json params = GatewayFixture::connect_params(gateway.token());
    params["maxProtocol"] = params["minProtocol"] = 2;
    send_request(*old, "1", "connect", params);
    EXPECT_EQ(int_member(member(error_of(response_to(*old, "1")), "details"), "expectedProtocol"),
              3);
    EXPECT_EQ(close_code_of(*old), 1002);
}

TEST(GatewayServer, ClosesAtBadJsonBeforeTheHandshakeOnly) {
    GatewayFixture gateway;
    const auto early = gateway.stranger();
    early->send_text("{nonsense");
    EXPECT_EQ(close_code_of(*early), 1000);
    const auto client = gateway.client();
    client->send_text("{nonsense");
    client->send_text(R"({"type":"req","id":"x"})");
    EXPECT_EQ(text_member(error_of(response_to(*client, "x")), "message"),
              "invalid request frame: must have required property 'method'");
    client->send_text("[1]");
    EXPECT_EQ(text_member(error_of(response_to(*client, "invalid")), "code"), "INVALID_REQUEST");
    send_request(*client, "h", "health");
    EXPECT_TRUE(bool_member(response_to(*client, "h"), "ok"));
}

TEST(GatewayServer, AnswersARequestWhoseParametersCannotBeRead) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    const std::string deep(200, '['), end(200, ']');
    for (const std::string& params :
         {deep + end, std::string("1e999"), std::string("\"\\uzzzz\"")}) {
        client->send_text(R"({"type":"req","id":"broken","method":"health","params":)" + params +
                          "}");
        const Json error = error_of(response_to(*client, "broken"));
        EXPECT_EQ(text_member(error, "code"), "INVALID_REQUEST");
        EXPECT_EQ(text_member(error, "message").rfind("invalid request frame: ", 0), 0u);
    }
    send_request(*client, "h", "health");
    EXPECT_TRUE(bool_member(response_to(*client, "h"), "ok"));
}

TEST(GatewayServer, TakesFragmentsAndBinaryFrames) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    const std::string text = R"({"type":"req","id":"f","method":"health"})";
    client->send_frame(WebSocket::Opcode::text, text.substr(0, 5), false);
    client->send_frame(static_cast<WebSocket::Opcode>(0), text.substr(5, 10), false);
    client->send_frame(WebSocket::Opcode::ping, "in between");
    client->send_frame(static_cast<WebSocket::Opcode>(0), text.substr(15));
    EXPECT_TRUE(bool_member(response_to(*client, "f"), "ok"));
    client->send_frame(WebSocket::Opcode::binary,
                       R"({"type":"req","id":"b","method":"node.list"})");
    EXPECT_TRUE(bool_member(response_to(*client, "b"), "ok"));
}

TEST(GatewayServer, ClosesAtInvalidUtf8) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    client->send_text("\"\xff\xfe\"");
    EXPECT_EQ(close_code_of(*client), 1007);
}

std::string request_of_size(size_t size) {
    std::string text = R"({"type":"req","id":"big","method":"chat.history","params":{"pad":")";
    return text + std::string(size - text.size() - 3, 'x') + "\"}}";
}

TEST(GatewayServer, TakesTheLargestFrameAndClosesAtALargerOne) {
    GatewayFixture gateway;
    gateway.answer_with("chat.history", "{}");
    const auto client = gateway.client();
    client->send_text(request_of_size(524288));
    EXPECT_TRUE(bool_member(response_to(*client, "big"), "ok"));
    client->send_text(request_of_size(524289));
    EXPECT_EQ(close_code_of(*client), 1009);
    const auto pieces = gateway.client();
    for (int i = 0; i < 10; ++i)
        pieces->send_frame(static_cast<WebSocket::Opcode>(i == 0 ? 1 : 0), std::string(65536, 'x'),
                           false);
    EXPECT_EQ(close_code_of(*pieces), 1009);
    const auto early = gateway.stranger();
    early->send_text(request_of_size(70'000));
    EXPECT_EQ(close_code_of(*early), 1009);
}

TEST(GatewayServer, ForwardsRequestsAndBothResultsOfAnAgentRun) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    send_request(*client, "a", "agent", {{"message", "hi"}, {"idempotencyKey", "r"}});
    const auto asked = gateway.next_request();
    EXPECT_EQ(asked.method(), "agent");
    EXPECT_EQ(asked.params_json(), R"({"message":"hi","idempotencyKey":"r"})");
    EXPECT_EQ(asked.caller().client_id(), "test");
    EXPECT_EQ(asked.caller().scopes(0), "operator.admin");
    gateway.send_result(asked.id(), R"({"runId":"r","status":"accepted"})", true);
    gateway.send_result(asked.id(), R"({"runId":"r","status":"ok"})");
    EXPECT_EQ(text_member(member(response_to(*client, "a"), "payload"), "status"), "accepted");
    EXPECT_EQ(text_member(member(response_to(*client, "a"), "payload"), "status"), "ok");
    send_request(*client, "b", "agent", Json::array());
    EXPECT_EQ(text_member(error_of(response_to(*client, "b")), "message"),
              "invalid agent params: must be object");
}

TEST(GatewayServer, NumbersEveryBroadcastWithoutGaps) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    int64_t last = int_member(next_event(*client, "health"), "seq");
    for (int i = 0; i < 50; ++i)
        gateway.send_event(i % 2 ? "agent" : "chat", R"({"n":)" + std::to_string(i) + "}");
    for (int seen = 0; seen < 50;) {
        const Json frame = next_frame(*client);
        ASSERT_FALSE(frame.is_null());
        EXPECT_EQ(int_member(frame, "seq"), ++last);
        if (text_member(frame, "event") == "health") continue;
        EXPECT_EQ(int_member(member(frame, "payload"), "n"), seen++);
    }
}

TEST(GatewayServer, EndsRunsAndRequestsWhenTheAgentDies) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    start_run(gateway, *client, "run-1");
    start_run(gateway, *client, "run-2");
    gateway.send_event("agent", R"({"runId":"run-1","seq":1})", "run-1", "main", 1);
    gateway.send_run_ended("run-2");
    EXPECT_EQ(int_member(member(next_event(*client, "agent"), "payload"), "seq"), 1);
    send_request(*client, "w", "agent.wait", {{"runId", "run-1"}});
    EXPECT_EQ(gateway.next_request().method(), "agent.wait");

    gateway.kill_agent();
    gateway.agent_is(State::WAITING, 1);
    const Json failed = response_to(*client, "w");
    EXPECT_EQ(text_member(error_of(failed), "code"), "UNAVAILABLE");
    EXPECT_TRUE(bool_member(error_of(failed), "retryable"));
    const Json lifecycle = member(next_event(*client, "agent"), "payload");
    EXPECT_EQ(text_member(lifecycle, "runId"), "run-1");
    EXPECT_EQ(int_member(lifecycle, "seq"), 2);
    EXPECT_EQ(text_member(member(lifecycle, "data"), "phase"), "error");
    const Json chat = member(next_event(*client, "chat"), "payload");
    EXPECT_EQ(text_member(chat, "state"), "error");
    EXPECT_EQ(text_member(chat, "sessionKey"), "main");

    // A request made now waits for the next life.
    send_request(*client, "l", "agents.list");
    gateway.restart_agent(2);
    const auto asked = gateway.next_request();
    EXPECT_EQ(asked.method(), "agents.list");
    gateway.send_result(asked.id(), R"({"agents":[]})");
    EXPECT_TRUE(bool_member(response_to(*client, "l"), "ok"));
}

TEST(GatewayServer, NeverHandsTheNextLifeWhatTheDeadOneWasAsked) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    gateway.kill_agent();
    // The gateway does not know yet: this waits in the link.
    send_request(*client, "lost", "chat.send", {{"sessionKey", "main"}, {"message", "hi"}});
    send_request(*client, "n", "node.list");
    EXPECT_TRUE(bool_member(response_to(*client, "n"), "ok"));
    gateway.agent_is(State::WAITING, 1);
    EXPECT_EQ(text_member(error_of(response_to(*client, "lost")), "code"), "UNAVAILABLE");
    gateway.restart_agent(2);
    send_request(*client, "l", "agents.list");
    EXPECT_EQ(gateway.next_request().method(), "agents.list");
}

TEST(GatewayServer, AnswersHealthWhileTheAgentIsDown) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    gateway.agent_is(State::HELD, 1);
    send_request(*client, "h", "health", {{"probe", true}});
    const Json health = member(response_to(*client, "h"), "payload");
    EXPECT_FALSE(bool_member(health, "ok", true));
    EXPECT_EQ(text_member(member(health, "workers")[1], "state"), "held");
    send_request(*client, "a", "agents.list");
    EXPECT_NE(text_member(error_of(response_to(*client, "a")), "message").find("held"),
              std::string::npos);
    EXPECT_EQ(http_get(gateway.port(), "/readyz").status, 503);
    EXPECT_NE(http_get(gateway.port(), "/readyz").body.find(R"("name":"agent")"),
              std::string::npos);
    EXPECT_EQ(http_get(gateway.port(), "/startupz").status, 200);
    EXPECT_EQ(http_get(gateway.port(), "/healthz").status, 200);
}

TEST(GatewayServer, ClosesAClientThatDoesNotRead) {
    GatewayFixture gateway;
    const auto slow = gateway.client();
    const auto reader = gateway.client();
    const int small = 131072;  // smaller ones take seconds to drain
    setsockopt(slow->descriptor(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const std::string payload = R"({"pad":")" + std::string(400'000, 'x') + "\"}";
    // More than the buffers of both ends hold, twice; the reader takes it all.
    const auto send_all = [&](bool droppable) {
        for (int i = 0; i < 24; ++i) {
            gateway.send_event("chat", payload, "", "", 0, droppable);
            const Deadline deadline(patience);
            while (reader->receive(deadline).value_or("").size() < payload.size())
                ASSERT_FALSE(reader->is_closed() || deadline.over());
        }
    };
    send_all(true);  // left out for the slow one, which stays
    send_request(*slow, "s", "node.list");
    send_all(false);  // ends it, and only it
    EXPECT_EQ(close_code_of(*slow), 1008);
    EXPECT_EQ(slow->close_reason(), "slow consumer");
    send_request(*reader, "h", "health");
    EXPECT_TRUE(bool_member(response_to(*reader, "h"), "ok"));
}

TEST(GatewayServer, SaysGoodbyeWhenItStops) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    gateway.stop("gateway restarting", true);
    const Json shutdown = member(next_event(*client, "shutdown"), "payload");
    EXPECT_EQ(text_member(shutdown, "reason"), "gateway restarting");
    EXPECT_EQ(int_member(shutdown, "restartExpectedMs"), 1500);
    EXPECT_EQ(close_code_of(*client), 1012);
    EXPECT_EQ(client->close_reason(), "service restart");
    EXPECT_EQ(gateway.wait_for_exit(), 0);
}

TEST(GatewayServer, TellsTheOthersWhenAClientLeaves) {
    GatewayFixture gateway;
    const auto stays = gateway.client();
    {
        const auto leaves = gateway.client();
        leaves->drop();
    }
    const Json presence = next_event(*stays, "presence");
    const Json& entries = member(member(presence, "payload"), "presence");
    EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [](const Json& entry) {
        return text_member(entry, "reason") == "disconnect";
    })) << print_json(entries);
    EXPECT_TRUE(presence.contains("stateVersion"));
}

TEST(GatewayServer, ChecksTheOriginBeforeTheUpgrade) {
    GatewayFixture gateway;
    WebSocket foreign;
    EXPECT_FALSE(
        foreign.open(gateway.port(), "Origin: https://evil.example\r\n", Deadline(patience)));
    EXPECT_EQ(foreign.http_status(), 403);
    WebSocket own;
    const std::string origin = "http://localhost:" + std::to_string(gateway.port());
    EXPECT_TRUE(own.open(gateway.port(), "Origin: " + origin + "\r\n", Deadline(patience)));
}

TEST(GatewayServer, AnswersAClientThatSpeaksAnotherSubprotocol) {
    GatewayFixture gateway;
    WebSocket foreign;
    EXPECT_FALSE(foreign.open(gateway.port(), "Sec-WebSocket-Protocol: chat, superchat\r\n",
                              Deadline(patience)));
    EXPECT_EQ(foreign.http_status(), 400);
}

TEST(GatewayServer, OffersNoCompression) {
    GatewayFixture gateway;
    WebSocket client;
    ASSERT_TRUE(client.open(gateway.port(), "Sec-WebSocket-Extensions: permessage-deflate\r\n",
                            Deadline(patience)));
    EXPECT_EQ(client.http_answer().find("permessage-deflate"), std::string::npos);
}

TEST(GatewayServer, AnswersHttpAsItShould) {
    GatewayFixture gateway;
    const auto ask = [&](const char* method, const char* path, const char* headers = "") {
        return http_get(gateway.port(), path, headers, method);
    };
    EXPECT_EQ(ask("GET", "/startupz").body, R"({"ok":true,"status":"started"})");
    EXPECT_EQ(ask("HEAD", "/healthz").status, 200);
    EXPECT_EQ(ask("HEAD", "/healthz").body, "");
    EXPECT_EQ(ask("GET", "/").status, 200);
    EXPECT_EQ(ask("GET", "/missing.js").status, 404);
    EXPECT_EQ(ask("POST", "/", "Content-Length: 0\r\n").status, 405);
    EXPECT_EQ(ask("DELETE", "/").status, 405);
    EXPECT_EQ(ask("POST", "/", "Transfer-Encoding: chunked\r\n").status, 411);
    EXPECT_EQ(ask("GET", "/../../etc/passwd").body.find("root:"), std::string::npos);
    // A long cookie is no reason to hang up.
    const std::string cookie = "Cookie: a=" + std::string(8000, 'c') + "\r\n";
    EXPECT_EQ(ask("GET", "/healthz", cookie.c_str()).status, 200);
}

TEST(GatewayServer, BoundsConnectionsThatDoNotShowWhoTheyAre) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    std::vector<TcpSocket> strangers;
    for (int i = 0; i < 200; ++i)
        strangers.push_back(TcpSocket::connect(gateway.port(), Deadline(patience)));
    // The oldest was ended for the youngest.
    const auto end = strangers.front().receive(Deadline(patience));
    EXPECT_TRUE(end && end->empty());
    EXPECT_EQ(http_get(gateway.port(), "/healthz").status, 200);
    send_request(*client, "h", "health");
    EXPECT_TRUE(bool_member(response_to(*client, "h"), "ok"));
}

// All that has come so far, pings unanswered; nothing more when the gateway has closed.
bool read_raw(const WebSocket& client, std::string& into) {
    char bytes[4096];
    for (;;) {
        const ssize_t count = recv(client.descriptor(), bytes, sizeof bytes, MSG_DONTWAIT);
        if (count == 0) return false;
        if (count < 0) return errno == EAGAIN;
        into.append(bytes, static_cast<size_t>(count));
    }
}

TEST(GatewayServer, EndsWhoGivesNoSignOfLifeAndNobodyElse) {
    GatewayFixture gateway({.environment = {{"HARDSHELL_PING_AFTER_S", "6"}}});
    const auto dead = gateway.client();
    const auto quiet = gateway.client();  // answers pings
    const auto busy = gateway.client();   // sends requests, answers no ping
    std::string told, answers;
    const Deadline deadline(3 * patience);
    bool lives = true;
    while ((lives = read_raw(*dead, told)) && !deadline.over()) {
        send_request(*busy, "p", "system-presence");
        ASSERT_TRUE(read_raw(*busy, answers)) << "it was busy";
        (void)quiet->receive(Deadline(std::chrono::milliseconds(20)));
    }
    EXPECT_FALSE(lives) << "still open";
    EXPECT_NE(told.find(std::string("\x89\x04", 2)), std::string::npos) << "it was asked";
    send_request(*quiet, "h", "health");
    EXPECT_TRUE(bool_member(response_to(*quiet, "h"), "ok"));
    send_request(*busy, "last", "health");
    while (answers.find("\"last\"") == std::string::npos && !deadline.over())
        ASSERT_TRUE(read_raw(*busy, answers));
    EXPECT_NE(answers.find("\"last\""), std::string::npos);
}

TEST(GatewayServer, SendsALargeAnswerWholeToWhoReadsLate) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    const std::string large = "\"" + std::string(3'000'000, 'x') + "\"";
    gateway.answer_with("models.list", large);
    for (const char* id : {"1", "2", "3"}) send_request(*client, id, "models.list");
    send_request(*client, "4", "system-presence");
    size_t whole = 0;
    for (int answers = 0; answers < 4 && !HasFailure();) {
        const Json frame = next_frame(*client);
        if (text_member(frame, "type") == "event") continue;
        ++answers;
        EXPECT_TRUE(bool_member(frame, "ok"));
        whole += text_member(frame, "payload").size() == 3'000'000;
    }
    EXPECT_EQ(whole, 3u);
}

}  // namespace
