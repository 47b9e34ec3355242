// An operator scrapes /metrics: on a port of its own, in a form that Prometheus takes, and never at
// the cost of the gateway.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/journeys/journey.h"
#include "tests/support/tcp_socket.h"

namespace {

class Metrics : public Journey {
  protected:
    HardshellProcess::Options on_a_port() {
        HardshellProcess::Options options;
        metrics_port = free_port();
        options.environment["HARDSHELL_METRICS_PORT"] = std::to_string(metrics_port);
        return options;
    }
    std::string scrape() const { return http_get(metrics_port, "/metrics").body; }
    bool scrape_says(const std::string& line) const {
        for (const Deadline deadline(patience); !deadline.over();) {
            if (scrape().find(line) != std::string::npos) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return false;
    }

    uint16_t metrics_port = 0;
};

// Somebody else's socket on that port.
Fd take_port(uint16_t port) {
    Fd taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(taken.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(bind(taken.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(taken.get(), 1), 0);
    return taken;
}

TEST_F(Metrics, TellWhatHappened) {
    start(on_a_port());
    GatewayClient client = connect();
    EXPECT_TRUE(bool_member(
        client.request("chat.send",
                       {{"sessionKey", "main"}, {"message", "hello"}, {"idempotencyKey", "m1"}}),
        "ok"));
    EXPECT_TRUE(scrape_says("\nhardshell_turns_started_total{worker=\"agent\"} 1\n"));
    EXPECT_TRUE(scrape_says("\nhardshell_ready 1\n"));
    EXPECT_TRUE(scrape_says("\nhardshell_clients_connected{worker=\"gateway\"} 1\n"));
    const pid_t agent = hardshell->worker("agent");
    kill(agent, SIGKILL);
    EXPECT_TRUE(scrape_says("\nhardshell_worker_restarts_total{worker=\"agent\"} 1\n"));
    EXPECT_TRUE(scrape_says("\nhardshell_worker_state{worker=\"agent\",state=\"ready\"} 1\n"));
    EXPECT_TRUE(scrape_says("\nhardshell_turns_started_total{worker=\"agent\"} 0\n"))
        << "the counters of a new life begin anew";
}

TEST_F(Metrics, SatisfyPromtool) {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0)
        GTEST_SKIP() << "promtool is not installed (Debian package prometheus)";
    start(on_a_port());
    kill(hardshell->worker("agent"), SIGKILL);
    ASSERT_TRUE(scrape_says("hardshell_worker_restarts_total{worker=\"agent\"} 1\n"));
    const std::string file = hardshell->state_dir() + "/metrics.txt";
    std::ofstream(file) << scrape();
    const std::string complaints = file + ".complaints";
    const int result =
        std::system(("promtool check metrics <" + file + " >" + complaints + " 2>&1").c_str());
    std::ifstream said(complaints);
    EXPECT_EQ(result, 0) << std::string(std::istreambuf_iterator<char>(said), {});
}

TEST_F(Metrics, AreNotOnThePublicPort) {
    start(on_a_port());
    EXPECT_EQ(http_get(hardshell->port(), "/metrics").body.find("hardshell_"), std::string::npos);
    EXPECT_EQ(http_get(metrics_port, "/").status, 404);
    EXPECT_EQ(http_get(metrics_port, "/healthz").status, 404);
    EXPECT_EQ(http_get(metrics_port, "/metrics",
                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
                  .status,
              404)
        << "no client is let in by this door";
}

TEST_F(Metrics, StopNothingWhenTheirPortIsTaken) {
    HardshellProcess::Options options = on_a_port();
    options.environment["HARDSHELL_METRICS_BIND"] = "all";
    Fd taken = take_port(metrics_port);
    start(options);
    const std::string port = std::to_string(metrics_port);
    EXPECT_TRUE(hardshell->wait_line("gateway goes without metrics until its next start: port " +
                                     port +
                                     " on :: is taken by another program; end it or choose "
                                     "another metrics.port"));
    EXPECT_TRUE(hardshell->wait_ready());
    EXPECT_NE(hardshell->command({"status"}).output.find("goes without metrics"),
              std::string::npos);
    taken.reset();
    const pid_t former = hardshell->worker("gateway");
    EXPECT_EQ(hardshell->command({"restart", "gateway"}).exit_code, 0);
    EXPECT_NE(hardshell->wait_worker_replaced("gateway", former), 0);
    EXPECT_TRUE(scrape_says("hardshell_ready 1\n"));
    EXPECT_EQ(hardshell->command({"status"}).output.find("goes without metrics"),
              std::string::npos);
}

TEST_F(Metrics, DoNotLetTheGatewayStartWithoutItsPort) {
    HardshellProcess::Options options = on_a_port();
    hardshell = std::make_unique<HardshellProcess>(options);
    Fd taken = take_port(hardshell->port());
    hardshell->start();
    ASSERT_TRUE(hardshell->wait_line("is taken by another program"));
    EXPECT_EQ(hardshell->worker("gateway"), 0);
    taken.reset();
    EXPECT_TRUE(hardshell->wait_started()) << "it waits for the port and takes it when it is free";
    EXPECT_TRUE(scrape_says("hardshell_ready 1\n"));
}

}  // namespace
