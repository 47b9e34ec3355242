// Any process may be killed at any instant; nobody else notices more than must be.

#include <signal.h>

#include "tests/journeys/journey.h"
#include "tests/support/tcp_socket.h"

using namespace std::chrono_literals;

namespace {

using Death = Journey;

TEST_F(Death, OfTheIdleAgentLeavesTheClientsConnected) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "before").state, "final");
    const pid_t agent = hardshell->worker("agent");
    const pid_t gateway = hardshell->worker("gateway");
    ASSERT_NE(agent, 0);
    const size_t line = hardshell->line_count();
    ASSERT_EQ(kill(agent, SIGKILL), 0);
    ASSERT_NE(hardshell->wait_worker_replaced("agent", agent), 0);
    // Asked while the agent starts: it waits for the next life. What crosses with the news of the
    // death is refused, and may be sent again.
    Turn after = chat_turn(client, "after");
    if (contains({after.error}, "send the request again")) after = chat_turn(client, "after");
    EXPECT_EQ(after.state, "final") << after.error;
    EXPECT_FALSE(client.socket().is_closed());
    EXPECT_EQ(hardshell->worker("gateway"), gateway);
    EXPECT_TRUE(hardshell->wait_line("[agent]", line)) << "the log says how the agent ended";
    const auto lines = history(client);
    EXPECT_TRUE(contains(lines, "user: before"));
    EXPECT_TRUE(contains(lines, "user: after"));
}

TEST_F(Death, OfTheGatewayNeverClosesThePort) {
    start();
    GatewayClient client = connect();
    ASSERT_EQ(chat_turn(client, "before").state, "final");
    const pid_t agent = hardshell->worker("agent");
    const pid_t gateway = hardshell->worker("gateway");
    ASSERT_EQ(kill(gateway, SIGKILL), 0);
    int refused = 0;
    bool served = false;
    for (const Deadline deadline(patience); !served && !deadline.over();) {
        const TcpSocket probe = TcpSocket::connect(hardshell->port(), deadline);
        refused += probe.connect_error() == ECONNREFUSED ? 1 : 0;
        served = http_get(hardshell->port(), "/startupz", {}, "GET", 500ms).status == 200 &&
                 hardshell->worker("gateway") != gateway;
    }
    EXPECT_TRUE(served);
    EXPECT_EQ(refused, 0);
    EXPECT_TRUE(client.wait_closed());
    client = connect();
    EXPECT_EQ(chat_turn(client, "after").state, "final");
    EXPECT_TRUE(contains(history(client), "user: before"));
    EXPECT_EQ(hardshell->worker("agent"), agent);
}

TEST_F(Death, ByAKillIsAnsweredAtOnceHoweverOftenItComes) {
    start();
    pid_t gateway = hardshell->worker("gateway");
    for (int i = 0; i < 12; ++i) {
        ASSERT_EQ(kill(gateway, SIGKILL), 0);
        gateway = hardshell->wait_worker_replaced("gateway", gateway);
        ASSERT_GT(gateway, 0) << "kill " << i;
        ASSERT_TRUE(hardshell->wait_started());
    }
    EXPECT_EQ(hardshell->log().find("started again in"), std::string::npos);
    GatewayClient client = connect();
    EXPECT_EQ(chat_turn(client, "still there?").state, "final");
}

TEST_F(Death, OfBothWorkersAtOnceIsRepaired) {
    start();
    const pid_t agent = hardshell->worker("agent");
    const pid_t gateway = hardshell->worker("gateway");
    kill(agent, SIGKILL);
    kill(gateway, SIGKILL);
    ASSERT_NE(hardshell->wait_worker_replaced("agent", agent), 0);
    ASSERT_NE(hardshell->wait_worker_replaced("gateway", gateway), 0);
    ASSERT_TRUE(hardshell->wait_started());
    GatewayClient client = connect();
    EXPECT_EQ(chat_turn(client, "after").state, "final");
}

TEST_F(Death, OfTheSupervisorEndsEverythingWithinASecond) {
    for (int i = 0; i < 3; ++i) {
        start();
        const auto below = hardshell->descendants();
        ASSERT_GE(below.size(), 2u);
        hardshell->signal(SIGKILL);
        ASSERT_EQ(hardshell->wait_exit(), 128 + SIGKILL);
        EXPECT_TRUE(HardshellProcess::still_running(below, 1s).empty());
        // The next start on the same state is not held up by what the dead one left.
        ASSERT_TRUE(hardshell->start_and_wait());
        EXPECT_EQ(hardshell->stop(), 0);
    }
}

TEST_F(Death, IsReportedByTheStatusOfTheCommandLine) {
    start();
    const pid_t agent = hardshell->worker("agent");
    kill(agent, SIGKILL);
    ASSERT_NE(hardshell->wait_worker_replaced("agent", agent), 0);
    ASSERT_TRUE(hardshell->wait_line("agent is ready again"));
    ASSERT_TRUE(hardshell->wait_started());
    const auto status = hardshell->command({"status", "--json"});
    EXPECT_EQ(status.exit_code, 0) << status.output;
    EXPECT_TRUE(parse_json(status.output)) << status.output;
    EXPECT_NE(status.output.find("signal 9"), std::string::npos) << status.output;
}

// How the supervisor ends a worker whose loop stands still.
TEST_F(Death, ByAbortSaysInTheLogWhatItWasDoing) {
    start();
    GatewayClient client = connect();
    for (const std::string name : {"agent", "gateway"}) {
        const pid_t former = hardshell->worker(name);
        const size_t line = hardshell->line_count();
        ASSERT_EQ(kill(former, SIGABRT), 0);
        const std::string prefix = "[" + name + "] ";
        EXPECT_TRUE(hardshell->wait_line(prefix + "aborted: SIGABRT from process ", line));
        EXPECT_TRUE(hardshell->wait_line(name + "::run + 0x", line)) << "a function of ours";
        EXPECT_TRUE(hardshell->wait_line("main + 0x", line));
        EXPECT_NE(hardshell->wait_worker_replaced(name, former), 0);
    }
    EXPECT_TRUE(hardshell->wait_started());
    client = connect();
    EXPECT_EQ(chat_turn(client, "after").state, "final");
}

}  // namespace
