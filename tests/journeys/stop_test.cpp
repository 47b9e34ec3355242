// Stopping: clients are told, the exit code is 0, nothing is left.

#include <signal.h>

#include "tests/journeys/journey.h"

using namespace std::chrono_literals;

namespace {

class Stopping : public Journey, public testing::WithParamInterface<int> {};

TEST_P(Stopping, TellsTheClientsAndLeavesNothing) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "before the end").state, "final");
    const auto below = hardshell->descendants();
    hardshell->signal(GetParam());
    const Json shutdown = client.wait_event("shutdown");
    EXPECT_EQ(text_member(member(shutdown, "payload"), "reason"), "gateway stopping");
    EXPECT_TRUE(member(member(shutdown, "payload"), "restartExpectedMs").is_null());
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.socket().close_code(), 1012);
    EXPECT_EQ(client.socket().close_reason(), "service restart");
    EXPECT_EQ(hardshell->wait_exit(), 0);
    EXPECT_TRUE(HardshellProcess::still_running(below, 0ms).empty());
    EXPECT_NE(TcpSocket::connect(hardshell->port(), Deadline(1s)).connect_error(), 0);
}

INSTANTIATE_TEST_SUITE_P(Signals, Stopping, testing::Values(SIGTERM, SIGINT));

using SecondGateway = Journey;

TEST_F(SecondGateway, OnTheSameStateIsRefusedWithTheReason) {
    start();
    const auto second = hardshell->command(
        {"gateway", "--allow-unconfigured", "--port", std::to_string(free_port())});
    EXPECT_EQ(second.exit_code, 1) << second.output;
    EXPECT_NE(second.output.find(std::to_string(hardshell->pid())), std::string::npos)
        << second.output;
    GatewayClient client = connect();
    EXPECT_EQ(chat_turn(client, "still the first").state, "final");
}

}  // namespace
