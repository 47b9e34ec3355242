// A door and a worker behind it, over real sockets and one loop.

#include "workers/common/routes/path_door.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "workers/common/routes/route_server.h"

namespace {

using hardshell::proto::PublicPath;

PublicPath row(const std::string& path, bool websocket = false) {
    PublicPath made;
    made.set_path(path);
    made.set_worker("voice");
    made.set_websocket(websocket);
    made.set_largest_body(websocket ? 0 : 100);
    made.set_most_connections(2);
    made.set_answer_ms(20'000);
    return made;
}

class PathDoorTest : public testing::Test {
  protected:
    PathDoorTest() {
        std::string pattern = std::filesystem::temp_directory_path().string() + "/door-XXXXXX";
        directory = mkdtemp(pattern.data());
        socket_path = directory + "/socket";
        door = std::make_unique<PathDoor>(
            *loop, std::vector<PublicPath>{row("/hook"), row("/stream", true)},
            [this](const std::string&) { return is_away ? "" : socket_path; });
    }
    ~PathDoorTest() override {
        door.reset();
        server.reset();
        std::filesystem::remove_all(directory);
    }

    int listen_there() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
        const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(listen(listener, 16), 0);
        return listener;
    }

    void serve(RouteServer::Handler handler, RouteServer::Limits limits = {}) {
        server = std::make_unique<RouteServer>(*loop, std::vector<int>{listen_there()}, limits,
                                               std::move(handler));
    }

    // A client of the door; its end is watched until the other closes.
    struct Client {
        Fd end;
        std::string received;
        bool closed = false;
        Loop::Registration watch;
    };
    std::shared_ptr<Client> connect() {
        int ends[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        auto client = std::make_shared<Client>();
        client->end = Fd(ends[0]);
        client->watch = loop->watch(ends[0], Loop::readable, [this, it = client.get()](unsigned) {
            char bytes[4096];
            const ssize_t got = recv(it->end.get(), bytes, sizeof bytes, 0);
            if (got > 0) it->received.append(bytes, static_cast<size_t>(got));
            if (got == 0 || (got < 0 && errno != EAGAIN)) {
                it->closed = true;
                it->watch.reset();
            }
            check();
        });
        door->take(Fd(ends[1]));
        return client;
    }
    static void send(const Client& client, const std::string& bytes) {
        ASSERT_EQ(::send(client.end.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }

    // Runs the loop until that holds.
    bool until(std::function<bool()> condition) {
        holds = std::move(condition);
        const auto late = loop->after(std::chrono::seconds(10), [this] { loop->stop(1); });
        const auto look = loop->every(std::chrono::milliseconds(1), [this] { check(); });
        const bool held = loop->run() == 0;
        holds = nullptr;
        return held;
    }
    void check() {
        if (holds && holds()) loop->stop(0);
    }
    std::string ask(const std::string& request) {
        const auto client = connect();
        send(*client, request);
        EXPECT_TRUE(until([&] { return client->closed; }));
        return client->received;
    }
    static std::string post(const std::string& target, const std::string& body,
                            const std::string& headers = {}) {
        return "POST " + target + " HTTP/1.1\r\nHost: h\r\n" + headers +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    static bool is(const std::string& answer, int status) {
        return answer.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    std::string directory;
    std::string socket_path;
    bool is_away = false;
    std::unique_ptr<RouteServer> server;
    std::unique_ptr<PathDoor> door;
    std::function<bool()> holds;
};

constexpr const char* opening =
    "GET /stream HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n";

}  // namespace

TEST_F(PathDoorTest, HandsARequestOnAsItCame) {
    RequestHead seen;
    serve([&](const RequestHead& head, const RouteCall& call) {
        seen = head;
        call.read_body(100, [](const std::string& body, const RouteCall& whole) {
            whole.answer({200, "<" + body + ">", "text/xml", {{"X-A", "b"}}});
        });
    });
    const std::string answer = ask(post("/hook?callId=a%2Fb+c&x", "From=%2B1",
                                        "X-Twilio-Signature: s=\r\nX-Forwarded-Host: evil\r\n"));
    EXPECT_TRUE(is(answer, 200)) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n<From=%2B1>")) << answer;
    EXPECT_NE(answer.find("X-A: b\r\n"), std::string::npos);
    EXPECT_EQ(seen.target, "/hook?callId=a%2Fb+c&x");
    EXPECT_EQ(seen.header("X-Twilio-Signature"), "s=");
    EXPECT_EQ(door->counts().handed_on, 1u);
    EXPECT_EQ(door->open(), 0u);
}

TEST_F(PathDoorTest, KeepsTheGatewaysCredentialsBack) {
    RequestHead seen;
    serve([&](const RequestHead& head, const RouteCall& call) {
        seen = head;
        call.answer({});
    });
    (void)ask(post("/hook", "",
                   "Authorization: Bearer t\r\nCookie: c\r\nX-OpenClaw-Token: t\r\n"
                   "Connection: keep-alive\r\nUpgrade: h2c\r\n"));
    for (const char* name : {"authorization", "cookie", "x-openclaw-token", "upgrade"})
        EXPECT_EQ(seen.header(name), "") << name;
    EXPECT_EQ(seen.header("connection"), "close");
}

TEST_F(PathDoorTest, LetsNothingElseThrough) {
    int requests = 0;
    serve([&](const RequestHead&, const RouteCall& call) {
        ++requests;
        call.answer({});
    });
    EXPECT_TRUE(is(ask(post("/other", "")), 404));
    EXPECT_TRUE(is(ask(post("/hook/below", "")), 404));
    EXPECT_TRUE(is(ask(post("/hook%2f", "")), 404));
    EXPECT_TRUE(is(ask(post("//hook", "")), 404));
    EXPECT_TRUE(is(ask("GET /hook HTTP/1.1\r\nHost: h\r\n\r\n"), 405));
    EXPECT_TRUE(is(ask(post("/stream", "")), 405));
    EXPECT_TRUE(is(ask("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"), 426));
    EXPECT_TRUE(is(ask(post("/hook", std::string(101, 'x'))), 413));
    EXPECT_TRUE(
        is(ask("POST /hook HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"), 411));
    EXPECT_TRUE(is(ask("nonsense\r\n\r\n"), 400));
    EXPECT_EQ(requests, 0);
    EXPECT_EQ(door->counts().handed_on, 0u);
    EXPECT_EQ(door->counts().refused, 10u);
}

TEST_F(PathDoorTest, BringsARefusalBeforeTheBodyHasCome) {
    serve([](const RequestHead&, const RouteCall& call) { call.answer({401, "no"}); });
    const auto client = connect();
    send(*client, "POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
    ASSERT_TRUE(until([&] { return client->received.ends_with("no"); }));
    EXPECT_TRUE(is(client->received, 401));
    send(*client, std::string(100, 'x'));  // what nobody reads harms nobody
    client->watch.reset();
    client->end.reset();
    EXPECT_TRUE(until([&] { return door->open() == 0; }));
}

TEST_F(PathDoorTest, SaysGoOnOnlyWhenTheWorkerWantsTheBody) {
    serve([](const RequestHead&, const RouteCall& call) {
        call.read_body(100, [](const std::string& body, const RouteCall& whole) {
            whole.answer({200, body});
        });
    });
    const auto client = connect();
    send(*client,
         "POST /hook HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    ASSERT_TRUE(until([&] { return !client->received.empty(); }));
    EXPECT_EQ(client->received, "HTTP/1.1 100 Continue\r\n\r\n");
    send(*client, "ab");
    ASSERT_TRUE(until([&] { return client->closed; }));
    EXPECT_TRUE(client->received.ends_with("\r\n\r\nab"));
}

TEST_F(PathDoorTest, IsAByteTunnelOnceAWebSocketIsOpen) {
    RouteStream stream;
    serve([&](const RequestHead& head, const RouteCall& call) {
        EXPECT_TRUE(head.opens_websocket);
        EXPECT_EQ(head.header("sec-websocket-key"), "x");
        stream = call.take_stream();
        const std::string answer = "HTTP/1.1 101 Switching Protocols\r\n\r\nfirst";
        EXPECT_GT(::send(stream.descriptor.get(), answer.data(), answer.size(), 0), 0);
    });
    const auto client = connect();
    send(*client, std::string(opening) + "early");
    ASSERT_TRUE(until([&] { return client->received.ends_with("first"); }));
    std::string heard = stream.first_bytes;
    const auto listening = loop->watch(stream.descriptor.get(), Loop::readable, [&](unsigned) {
        char bytes[64];
        const ssize_t got = recv(stream.descriptor.get(), bytes, sizeof bytes, 0);
        if (got > 0) heard.append(bytes, static_cast<size_t>(got));
        check();
    });
    send(*client, "\x81later");
    EXPECT_TRUE(until([&] { return heard == "early\x81later"; })) << heard;
    EXPECT_EQ(door->open(), 1u);
    EXPECT_EQ(::send(stream.descriptor.get(), "bye", 3, 0), 3);
    EXPECT_TRUE(until([&] { return client->received.ends_with("bye"); }));
}

TEST_F(PathDoorTest, EndsAStreamWithEitherEnd) {
    RouteStream stream;
    serve([&](const RequestHead&, const RouteCall& call) {
        stream = call.take_stream();
        EXPECT_GT(::send(stream.descriptor.get(), "HTTP/1.1 101 X\r\n\r\n", 18, 0), 0);
    });
    const auto client = connect();
    send(*client, opening);
    ASSERT_TRUE(until([&] { return !client->received.empty(); }));
    stream.descriptor.reset();
    EXPECT_TRUE(until([&] { return client->closed; }));
    EXPECT_EQ(door->open(), 0u);
}

TEST_F(PathDoorTest, EndsAStreamThatIsNotRead) {
    RouteStream stream;
    serve([&](const RequestHead&, const RouteCall& call) {
        stream = call.take_stream();
        EXPECT_GT(::send(stream.descriptor.get(), "HTTP/1.1 101 X\r\n\r\n", 18, 0), 0);
    });
    const auto client = connect();
    send(*client, opening);
    ASSERT_TRUE(until([&] { return !client->received.empty(); }));
    client->watch.reset();
    const std::string much(64 * 1024, 'x');
    const auto writing = loop->watch(stream.descriptor.get(), Loop::writable, [&](unsigned) {
        ::send(stream.descriptor.get(), much.data(), much.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    });
    EXPECT_TRUE(until([&] { return door->open() == 0; }));
}

TEST_F(PathDoorTest, AnswersForAWorkerThatIsAway) {
    is_away = true;
    EXPECT_TRUE(is(ask(post("/hook", "")), 503));
    is_away = false;
    EXPECT_TRUE(is(ask(post("/hook", "")), 503));  // nobody listens there
    serve([](const RequestHead&, const RouteCall& call) { (void)call.take_stream(); });
    EXPECT_TRUE(is(ask(post("/hook", "")), 502));  // taken and dropped
    EXPECT_EQ(door->counts().unanswered, 3u);
}

TEST_F(PathDoorTest, AnswersForAWorkerThatIsTooSlow) {
    PublicPath slow = row("/hook");
    slow.set_answer_ms(1);
    door = std::make_unique<PathDoor>(*loop, std::vector<PublicPath>{slow},
                                      [this](const std::string&) { return socket_path; });
    serve([](const RequestHead&, const RouteCall&) {});
    EXPECT_TRUE(is(ask(post("/hook", "")), 504));
}

TEST_F(PathDoorTest, HoldsWhoCallsWhileTheWorkerIsReplaced) {
    const int listener = listen_there();
    const auto client = connect();
    send(*client, post("/hook", ""));
    ASSERT_TRUE(until([&] { return door->counts().handed_on == 1; }));
    server = std::make_unique<RouteServer>(*loop, std::vector<int>{listener}, RouteServer::Limits{},
                                           [](const RequestHead&, const RouteCall& call) {
                                               call.answer({200, "late"});
                                           });
    EXPECT_TRUE(until([&] { return client->received.ends_with("late"); }));
}

TEST_F(PathDoorTest, HasSoManyRequestsUnderWayAndNoMore) {
    std::vector<RouteCall> calls;
    serve([&](const RequestHead&, const RouteCall& call) {
        calls.push_back(call);
        check();
    });
    const auto one = connect(), other = connect();
    send(*one, post("/hook", ""));
    send(*other, post("/hook", ""));
    ASSERT_TRUE(until([&] { return calls.size() == 2; }));
    EXPECT_TRUE(is(ask(post("/hook", "")), 503));
    calls[0].answer({200, "x"});
    ASSERT_TRUE(until([&] { return one->closed || other->closed; }));
    const auto third = connect();
    send(*third, post("/hook", ""));
    EXPECT_TRUE(until([&] { return calls.size() == 3; }));
}

TEST_F(PathDoorTest, MakesRoomAmongThoseWhoSendNothing) {
    serve([](const RequestHead&, const RouteCall& call) { call.answer({200, "x"}); });
    std::vector<std::shared_ptr<Client>> silent;
    for (size_t count = 0; count < PathDoor::most_early; ++count) silent.push_back(connect());
    EXPECT_TRUE(is(ask(post("/hook", "")), 200));
    EXPECT_TRUE(until([&] { return silent[0]->closed; }));
}

TEST_F(PathDoorTest, IsNotFooledByAnAnswerThatIsNone) {
    serve([](const RequestHead&, const RouteCall& call) {
        const RouteStream stream = call.take_stream();
        EXPECT_GT(::send(stream.descriptor.get(), "SSH-2.0-OpenSSH\r\n", 17, 0), 0);
    });
    EXPECT_TRUE(is(ask(post("/hook", "")), 502));
}

TEST_F(PathDoorTest, TakesABodyNoLargerThanTheWorkerAllows) {
    serve([](const RequestHead&, const RouteCall& call) {
        call.read_body(10, [](const std::string&, const RouteCall& whole) { whole.answer({}); });
    });
    EXPECT_TRUE(is(ask(post("/hook", std::string(11, 'x'))), 413));
    EXPECT_TRUE(is(ask(post("/hook", std::string(10, 'x'))), 200));
}

TEST_F(PathDoorTest, DoesNotWaitForABodyThatDoesNotCome) {
    RouteServer::Limits limits;
    limits.body_time = std::chrono::milliseconds(1);
    serve(
        [](const RequestHead&, const RouteCall& call) {
            call.read_body(100, [](const std::string&, const RouteCall&) { ADD_FAILURE(); });
        },
        limits);
    const auto client = connect();
    send(*client, "POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    EXPECT_TRUE(until([&] { return is(client->received, 408); }));
}

TEST_F(PathDoorTest, BringsALargeAnswerToASlowReader) {
    const std::string large(2 << 20, 'y');
    serve([&](const RequestHead&, const RouteCall& call) { call.answer({200, large}); });
    const std::string answer = ask(post("/hook", ""));
    EXPECT_TRUE(answer.ends_with(large));
}
