// Frames written by released versions must still mean what they meant. A folder of
// tests/fixtures/frames holds those of one version; frames are added, never changed.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "proto/control.pb.h"
#include "proto/envelope.pb.h"
#include "proto/gateway_agent.pb.h"
#include "proto/plan.pb.h"
#include "proto/supervisor_worker.pb.h"

using namespace hardshell::proto;

namespace {

std::filesystem::path folder() {
    const char* source = std::getenv("HARDSHELL_SOURCE");
    return std::filesystem::path(source ? source : ".") / "tests/fixtures/frames/0.1";
}

std::set<std::string> read_names;

template <typename Message>
Message read(const std::string& name) {
    std::ifstream file(folder() / (name + ".bin"), std::ios::binary);
    EXPECT_TRUE(file) << name << " is missing";
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    Message message;
    EXPECT_TRUE(message.ParseFromString(bytes)) << name;
    // Nothing was skipped as unknown: what is written again has every byte.
    EXPECT_EQ(message.ByteSizeLong(), bytes.size()) << name;
    read_names.insert(name + ".bin");
    return message;
}

TEST(StoredFrames, Envelope) {
    const auto frame = read<Envelope>("envelope");
    EXPECT_EQ(frame.incarnation(), 3u);
    EXPECT_EQ(frame.sequence(), 300u);
    EXPECT_EQ(frame.message(), std::string("\n\0", 2));
}

TEST(StoredFrames, CarryTextThatIsNoUtf8) {
    AgentToGateway sent;
    sent.mutable_rpc_result()->set_error_message("provider said \xff\xfe");
    AgentToGateway received;
    ASSERT_TRUE(received.ParseFromString(sent.SerializeAsString()));
    EXPECT_EQ(received.rpc_result().error_message(), "provider said \xff\xfe");
    Plan plan;
    plan.add_workers()->add_secrets()->set_value("key\xff");
    EXPECT_TRUE(Plan().ParseFromString(plan.SerializeAsString()));
}

TEST(StoredFrames, Start) {
    const auto message = read<ToWorker>("to_worker_start");
    ASSERT_TRUE(message.has_start());
    const Start& start = message.start();
    EXPECT_EQ(start.worker(), "gateway");
    EXPECT_EQ(start.kind(), "gateway");
    EXPECT_EQ(start.incarnation(), 2u);
    EXPECT_EQ(start.settings().config_json(), R"({"gateway":{"mode":"local"}})");
    EXPECT_EQ(start.settings().state_dir(), "/data");
    EXPECT_EQ(start.settings().config_path(), "/data/openclaw.json");
    EXPECT_EQ(start.settings().port(), 3000u);
    EXPECT_EQ(start.settings().bind(), "lan");
    EXPECT_EQ(start.settings().degraded(), "line 3");
    EXPECT_EQ(start.settings().environment().at("TZ"), "Europe/Vienna");
    ASSERT_EQ(start.secrets_size(), 1);
    EXPECT_EQ(start.secrets(0).name(), "gateway.auth.token");
    EXPECT_EQ(start.secrets(0).value(), "not-a-real-token");
    EXPECT_EQ(start.secrets(0).source(), "environment variable OPENCLAW_GATEWAY_TOKEN");
    ASSERT_EQ(start.links_size(), 1);
    EXPECT_EQ(start.links(0).peer(), "agent");
    EXPECT_EQ(start.links(0).endpoint(), "ipc:///run/hardshell/1/links/gateway-agent/socket");
    EXPECT_FALSE(start.links(0).binds());
    ASSERT_EQ(start.handles_size(), 2);
    EXPECT_EQ(start.handles(1).name(), "board");
    EXPECT_EQ(start.handles(1).descriptor(), 6);
    ASSERT_EQ(start.workers_size(), 1);
    EXPECT_EQ(start.workers(0).state(), WorkerStatus::READY);
    EXPECT_EQ(start.workers(0).memory_bytes(), 3145728u);
    EXPECT_EQ(start.log_level(), "info");
}

TEST(StoredFrames, WorkersChanged) {
    const auto message = read<ToWorker>("to_worker_workers_changed");
    ASSERT_EQ(message.workers_changed().workers_size(), 1);
    const WorkerStatus& agent = message.workers_changed().workers(0);
    EXPECT_EQ(agent.state(), WorkerStatus::WAITING);
    EXPECT_EQ(agent.incarnation(), 4u);
    EXPECT_EQ(agent.restarts(), 3u);
    EXPECT_EQ(agent.last_end(), "killed by signal 9");
    EXPECT_EQ(agent.next_start_ms(), 1769767201000);
    EXPECT_TRUE(agent.critical());
}

TEST(StoredFrames, Stop) {
    const auto stop = read<ToWorker>("to_worker_stop");
    EXPECT_EQ(stop.stop().budget_ms(), 4500u);
    EXPECT_EQ(stop.stop().reason(), "gateway stopping");
}

TEST(StoredFrames, FromWorker) {
    EXPECT_EQ(read<FromWorker>("from_worker_ready").ready().summary(),
              "listening on ws://0.0.0.0:3000 (PID 12)");
    const auto failed = read<FromWorker>("from_worker_failed");
    EXPECT_EQ(failed.failed().fault(), "bad_credentials");
    EXPECT_EQ(failed.failed().what(), "the token was refused");
}

TEST(StoredFrames, GatewayToAgent) {
    const auto message = read<GatewayToAgent>("gateway_to_agent_rpc");
    EXPECT_EQ(message.rpc().id(), 41u);
    EXPECT_EQ(message.rpc().method(), "chat.send");
    EXPECT_EQ(message.rpc().params_json(), R"({"sessionKey":"main"})");
    EXPECT_EQ(message.rpc().caller().client_id(), "cli");
    ASSERT_EQ(message.rpc().caller().scopes_size(), 2);
    EXPECT_EQ(message.rpc().caller().scopes(1), "operator.pairing");
}

TEST(StoredFrames, AgentToGateway) {
    const auto result = read<AgentToGateway>("agent_to_gateway_result");
    EXPECT_EQ(result.rpc_result().id(), 41u);
    EXPECT_FALSE(result.rpc_result().ok());
    EXPECT_EQ(result.rpc_result().error_code(), "UNAVAILABLE");
    EXPECT_TRUE(result.rpc_result().more());
    const auto event = read<AgentToGateway>("agent_to_gateway_event");
    EXPECT_EQ(event.event().event(), "chat");
    EXPECT_EQ(event.event().session_key(), "agent:main:main");
    EXPECT_EQ(event.event().run_sequence(), 5u);
    EXPECT_TRUE(event.event().drop_if_slow());
    EXPECT_EQ(read<AgentToGateway>("agent_to_gateway_run_ended").run_ended().run_id(), "r");
}

TEST(StoredFrames, Plan) {
    const auto request = read<PlanRequest>("plan_request");
    EXPECT_EQ(request.arguments(1), "3000");
    EXPECT_EQ(request.base_hash(), "44136fa3");
    const auto reply = read<PlanReply>("plan_reply");
    ASSERT_TRUE(reply.has_plan());
    EXPECT_EQ(reply.plan().workers(0).secrets(0).name(), "models.providers.anthropic.apiKey");
    EXPECT_TRUE(reply.plan().listeners(0).addresses(0).dual_stack());
    EXPECT_EQ(reply.plan().links(0).connector(), "gateway");
    EXPECT_EQ(reply.plan().notices(0).severity(), Notice::WARNING);
    EXPECT_EQ(reply.plan().source(), "file");
}

TEST(StoredFrames, Control) {
    EXPECT_EQ(read<ControlRequest>("control_request").verb(), "logs");
    const auto reply = read<ControlReply>("control_reply");
    EXPECT_TRUE(reply.last());
    EXPECT_EQ(reply.status().port(), 3000u);
    EXPECT_EQ(reply.status().workers(0).state(), WorkerStatus::HELD);
    EXPECT_EQ(reply.status().missing(0), "no cgroups");
}

// Runs last: a stored frame that no test reads protects nothing.
TEST(StoredFrames, ZEveryStoredFrameWasRead) {
    if (testing::GTEST_FLAG(filter) != "*") GTEST_SKIP() << "needs the tests above";
    for (const auto& entry : std::filesystem::directory_iterator(folder()))
        EXPECT_EQ(read_names.count(entry.path().filename().string()), 1u) << entry.path();
}

}  // namespace
