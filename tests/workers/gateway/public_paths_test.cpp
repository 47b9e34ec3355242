// Public paths of another worker on the gateway's own port.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/support/http_get.h"
#include "tests/support/tcp_socket.h"
#include "tests/workers/gateway/gateway_fixture.h"
#include "workers/common/routes/route_server.h"

namespace {

hardshell::proto::PublicPath row(const std::string& path, bool websocket = false) {
    hardshell::proto::PublicPath made;
    made.set_path(path);
    made.set_worker("webhooks");
    made.set_websocket(websocket);
    made.set_largest_body(websocket ? 0 : 1000);
    made.set_most_connections(10);
    made.set_answer_ms(10'000);
    return made;
}

GatewayFixture::Options with_paths() {
    GatewayFixture::Options options;
    options.public_paths = {row("/hook"), row("/stream", true)};
    return options;
}

// The worker: says what it was asked, and echoes on a stream.
class Webhooks {
  public:
    explicit Webhooks(const GatewayFixture& gateway) {
        const std::string path = gateway.state_dir() + "/routes";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(listen(listener_, 64), 0);
        thread_ = std::thread([this] { run(); });
    }
    ~Webhooks() {
        stops_ = true;
        thread_.join();
    }

  private:
    void run() {
        const auto loop = make_epoll_loop();
        RouteServer server(
            *loop, {listener_}, {}, [&](const RequestHead& head, const RouteCall& call) {
                if (!head.opens_websocket)
                    return call.read_body(
                        1000, [head](const std::string& body, const RouteCall& whole) {
                            whole.answer({200, head.target + "|" + body + "|" +
                                                   std::string(head.header("authorization"))});
                        });
                stream_ = call.take_stream();
                (void)send(stream_.descriptor.get(), "HTTP/1.1 101 X\r\n\r\n", 18, MSG_NOSIGNAL);
                echo_ = loop->watch(stream_.descriptor.get(), Loop::readable, [this](unsigned) {
                    char bytes[256];
                    const ssize_t got = recv(stream_.descriptor.get(), bytes, sizeof bytes, 0);
                    if (got > 0)
                        (void)send(stream_.descriptor.get(), bytes, static_cast<size_t>(got),
                                   MSG_NOSIGNAL);
                    else
                        echo_.reset();
                });
            });
        const auto look = loop->every(std::chrono::milliseconds(5), [&] {
            if (stops_) loop->stop(0);
        });
        loop->run();
        echo_.reset();
    }

    int listener_ = -1;
    std::atomic<bool> stops_ = false;
    RouteStream stream_;
    Loop::Registration echo_;
    std::thread thread_;
};

std::string read_until(TcpSocket& socket, const std::string& text) {
    const Deadline deadline(patience);
    std::string bytes;
    while (bytes.find(text) == std::string::npos) {
        const auto part = socket.receive(deadline);
        if (!part || part->empty()) break;
        bytes += *part;
    }
    return bytes;
}

}  // namespace

TEST(PublicPathsOfTheGateway, GoToTheirWorkerAsTheyCame) {
    const GatewayFixture gateway(with_paths());
    const Webhooks worker(gateway);
    const HttpAnswer answer = http_post(gateway.port(), "/hook?a=%2F+b", "body", "test-token");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "/hook?a=%2F+b|body|");
}

TEST(PublicPathsOfTheGateway, LeaveTheRestAsItWas) {
    GatewayFixture gateway(with_paths());
    const Webhooks worker(gateway);
    EXPECT_EQ(http_get(gateway.port(), "/healthz").status, 200);
    EXPECT_EQ(http_get(gateway.port(), "/").status, 200);
    EXPECT_EQ(http_post(gateway.port(), "/hook/below", "x", "").status, 405);
    EXPECT_EQ(http_post(gateway.port(), "/tools/invoke", "{}", "").status, 401);
    Json hello;
    const auto client = gateway.client(&hello);
    EXPECT_EQ(text_member(hello, "type"), "hello-ok");
    send_request(*client, "1", "health");
    EXPECT_TRUE(bool_member(response_to(*client, "1"), "ok"));
}

// Otherwise the next request on the connection would be for libwebsockets, whoever it is for.
TEST(PublicPathsOfTheGateway, HaveEveryRequestComeOnAConnectionOfItsOwn) {
    const GatewayFixture gateway(with_paths());
    TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
    ASSERT_TRUE(socket.send("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"));
    std::string answer;
    for (const Deadline deadline(patience);;) {
        const auto part = socket.receive(deadline);
        ASSERT_TRUE(part) << "the connection stays open: " << answer;
        if (part->empty()) break;
        answer += *part;
    }
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
}

TEST(PublicPathsOfTheGateway, AreSeenInAHeadThatComesInPieces) {
    const GatewayFixture gateway(with_paths());
    const Webhooks worker(gateway);
    TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
    const std::string request = "POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab";
    for (const char byte : request) ASSERT_TRUE(socket.send({&byte, 1}));
    EXPECT_NE(read_until(socket, "/hook|ab|").find("HTTP/1.1 200"), std::string::npos);
}

// Half a request and the end of the stream: readable for ever, with nothing new to see.
TEST(PublicPathsOfTheGateway, LeaveNoConnectionOpenThatHasEndedBeforeItsPath) {
    const GatewayFixture gateway(with_paths());
    TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
    ASSERT_TRUE(socket.send("POST /ho"));
    shutdown(socket.descriptor(), SHUT_WR);
    // Not by the ten seconds after which strangers are ended in any case.
    const auto end = socket.receive(Deadline(patience / 2));
    ASSERT_TRUE(end) << "it stays open";
    EXPECT_EQ(*end, "");
}

TEST(PublicPathsOfTheGateway, CarryStreams) {
    const GatewayFixture gateway(with_paths());
    const Webhooks worker(gateway);
    TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
    ASSERT_TRUE(socket.send(
        "GET /stream HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
    EXPECT_NE(read_until(socket, "\r\n\r\n").find("HTTP/1.1 101"), std::string::npos);
    ASSERT_TRUE(socket.send("bytes of a frame"));
    EXPECT_EQ(read_until(socket, "frame"), "bytes of a frame");
}

TEST(PublicPathsOfTheGateway, AnswerWhileTheirWorkerIsAway) {
    const GatewayFixture gateway(with_paths());
    EXPECT_EQ(http_post(gateway.port(), "/hook", "x", "").status, 503);
    EXPECT_EQ(http_get(gateway.port(), "/hook").status, 405);
    EXPECT_EQ(http_post(gateway.port(), "/hook", std::string(1001, 'x'), "").status, 413);
}

TEST(PublicPathsOfTheGateway, AreUnknownWhereThePlanHasNone) {
    const GatewayFixture gateway;
    EXPECT_EQ(http_post(gateway.port(), "/hook", "x", "").status, 405);
}

TEST(AddressOfATunnel, IsPartOfHealthOnceItIsSaid) {
    GatewayFixture gateway;
    const auto client = gateway.client();
    send_request(*client, "1", "health", {{"probe", true}});
    EXPECT_TRUE(member(member(response_to(*client, "1"), "payload"), "tunnel").is_null());
    hardshell::proto::PublicUrl url;
    url.set_state(hardshell::proto::PublicUrl::UP);
    url.set_provider("ngrok");
    url.set_url("https://abc.ngrok.app");
    gateway.public_url_is(url);
    Json health;
    while (member(health, "tunnel").is_null())
        health = member(next_event(*client, "health"), "payload");
    EXPECT_EQ(text_member(health.at("tunnel"), "url"), "https://abc.ngrok.app");
    EXPECT_EQ(text_member(health.at("tunnel"), "state"), "up");
}
