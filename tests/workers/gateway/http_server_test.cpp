// Plain HTTP against the gateway program itself, over real sockets, with an agent of the test's.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "tests/support/http_get.h"
#include "tests/support/tcp_socket.h"
#include "tests/workers/gateway/gateway_fixture.h"

using State = hardshell::proto::WorkerStatus;

namespace {

constexpr const char* chat_path = "/v1/chat/completions";
constexpr const char* hello = R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
constexpr const char* hello_stream =
    R"({"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]})";
constexpr const char* endpoints = R"({"gateway":{"http":{"endpoints":{
    "chatCompletions":{"enabled":true},"responses":{"enabled":true}}}},
    "hooks":{"enabled":true,"mappings":[{"match":{"path":"ping"},
    "messageTemplate":"ping"},{"match":{"path":"js"},"transform":{"module":"t.js"}}]}})";

GatewayFixture::Options with_endpoints() {
    GatewayFixture::Options options;
    options.config_json = endpoints;
    options.hooks_token = "hook-token";
    return options;
}

Json json_of(const HttpAnswer& answer) {
    const Result<Json> parsed = parse_json(answer.body);
    EXPECT_TRUE(parsed) << answer.status << " " << answer.body;
    return parsed ? *parsed : Json();
}

std::future<HttpAnswer> posting(const GatewayFixture& gateway, const std::string& path,
                                const std::string& body, const std::string& token = "test-token") {
    return std::async(std::launch::async, [port = gateway.port(), path, body, token] {
        return http_post(port, path, body, token);
    });
}

std::string accepted(const std::string& run) {
    return R"({"runId":")" + run + R"(","status":"accepted"})";
}
std::string final_result(const std::string& text) {
    return print_json({{"status", "ok"},
                       {"result",
                        {{"payloads", Json::array({Json{{"text", text}}})},
                         {"meta", {{"agentMeta", {{"usage", {{"input", 12}, {"output", 7}}}}}}}}}});
}

void says(GatewayFixture& gateway, const std::string& run, const std::string& text) {
    gateway.send_event(
        "agent",
        print_json(
            {{"runId", run}, {"stream", "assistant"}, {"data", {{"text", text}, {"delta", text}}}}),
        run, "s", 1, true);
}

// Head and body as far as they have come.
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

std::string head_of(const std::string& path, size_t body, const std::string& more = {}) {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-token\r\n" +
           more + "Content-Length: " + std::to_string(body) + "\r\n\r\n";
}

TEST(GatewayHttp, AnswersAChatByTheAgent) {
    GatewayFixture gateway(with_endpoints());
    auto answer = posting(gateway, chat_path, hello);
    const auto asked = gateway.next_request();
    EXPECT_EQ(asked.method(), "agent");
    const Json params = *parse_json(asked.params_json());
    EXPECT_EQ(text_member(params, "message"), "hi");
    EXPECT_FALSE(bool_member(params, "deliver", true));
    const std::string run = text_member(params, "idempotencyKey");
    EXPECT_EQ(run.rfind("chatcmpl_", 0), 0u);
    gateway.send_result(asked.id(), accepted(run), true);
    gateway.send_result(asked.id(), final_result("Hello"));
    const HttpAnswer got = answer.get();
    EXPECT_EQ(got.status, 200);
    const Json body = json_of(got);
    EXPECT_EQ(text_member(body, "id"), run);
    EXPECT_EQ(body["choices"][0]["message"]["content"], "Hello");
    EXPECT_EQ(body["usage"]["total_tokens"], 19);
}

TEST(GatewayHttp, StreamsWhatTheAgentSays) {
    GatewayFixture gateway(with_endpoints());
    auto answer = posting(gateway, chat_path, hello_stream);
    const auto asked = gateway.next_request();
    const std::string run = text_member(*parse_json(asked.params_json()), "idempotencyKey");
    gateway.send_result(asked.id(), accepted(run), true);
    says(gateway, run, "Hel");
    says(gateway, "another run", "Secret");
    says(gateway, run, "Hello");
    gateway.send_result(asked.id(), final_result("Hello"));
    const HttpAnswer got = answer.get();
    EXPECT_EQ(got.status, 200);
    EXPECT_NE(got.headers.find("Content-Type: text/event-stream; charset=utf-8"),
              std::string::npos);
    EXPECT_NE(got.body.find(R"("delta":{"role":"assistant")"), std::string::npos);
    EXPECT_NE(got.body.find(R"("finish_reason":"stop")"), std::string::npos) << got.body;
    EXPECT_EQ(got.body.find("Secret"), std::string::npos);
    EXPECT_TRUE(got.body.ends_with("data: [DONE]\n\n")) << got.body;
}

TEST(GatewayHttp, TellsFailuresWithAStatusOfTheirOwn) {
    GatewayFixture gateway(with_endpoints());
    auto refused = posting(gateway, chat_path, hello_stream);
    gateway.send_failure(gateway.next_request().id(), "INVALID_REQUEST", "unknown agent id");
    EXPECT_EQ(refused.get().status, 400) << "no stream was begun";
    auto failed = posting(gateway, chat_path, hello);
    const auto asked = gateway.next_request();
    gateway.send_result(asked.id(), accepted("r"), true);
    gateway.send_failure(asked.id(), "UNAVAILABLE", "no key");
    EXPECT_EQ(failed.get().body, R"({"error":{"message":"no key","type":"api_error"}})");
    EXPECT_EQ(http_post(gateway.port(), chat_path, "{nonsense", "test-token").status, 400);
    EXPECT_EQ(http_post(gateway.port(), chat_path, "", "test-token").status, 400);
    EXPECT_EQ(http_post(gateway.port(), chat_path, "", "").status, 401);
    EXPECT_EQ(http_post(gateway.port(), chat_path, hello, "wrong").status, 401);
    EXPECT_EQ(http_post(gateway.port(), chat_path, hello, "").status, 401);
    EXPECT_EQ(http_get(gateway.port(), chat_path).status, 405);
    EXPECT_EQ(http_request(gateway.port(), "POST", chat_path,
                           "Authorization: Bearer test-token\r\nTransfer-Encoding: chunked\r\n",
                           "2\r\n{}\r\n0\r\n\r\n")
                  .status,
              411);
    gateway.agent_is(State::HELD, 1);
    HttpAnswer down;
    const Deadline deadline(patience);
    while (down.status != 503 && !deadline.over())
        down = http_post(gateway.port(), chat_path, hello, "test-token");
    EXPECT_EQ(down.status, 503);
}

TEST(GatewayHttp, IsOffUnlessConfigured) {
    GatewayFixture gateway;
    EXPECT_EQ(http_post(gateway.port(), chat_path, hello, "test-token").status, 405);
    EXPECT_EQ(http_post(gateway.port(), "/v1/responses", "{}", "test-token").status, 405);
    EXPECT_EQ(http_post(gateway.port(), "/hooks/wake", "{}", "test-token").status, 405);
    EXPECT_EQ(http_get(gateway.port(), "/__openclaw__/canvas/").status, 404);
}

TEST(GatewayHttp, RefusesALargeBodySoThatTheClientSeesWhy) {
    GatewayFixture gateway(with_endpoints());
    const std::string large(3 << 20, 'x');
    EXPECT_EQ(http_post(gateway.port(), chat_path, large, "test-token").status, 400);
    EXPECT_EQ(http_post(gateway.port(), chat_path, large, "wrong").status, 401);
    EXPECT_EQ(http_post(gateway.port(), "/hooks/wake", large, "hook-token").status, 413);
    EXPECT_EQ(http_post(gateway.port(), "/", large, "").status, 405);
}

TEST(GatewayHttp, EndsAClientThatDribblesABodyWhichNobodyReads) {
    GatewayFixture gateway(with_endpoints());
    TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
    socket.send(head_of("/hooks/wake", 100));
    EXPECT_NE(read_until(socket, "Unauthorized").find("401"), std::string::npos);
    const Deadline deadline(patience);
    std::optional<std::string> end;
    while (!deadline.over() && !(end && end->empty())) {
        socket.send("x");
        end = socket.receive(Deadline(std::chrono::milliseconds(100)));
    }
    EXPECT_TRUE(end && end->empty()) << "still open";
}

TEST(GatewayHttp, BoundsAllBodiesTogether) {
    GatewayFixture gateway(with_endpoints());
    constexpr size_t largest = 20u << 20;
    std::vector<TcpSocket> slow;
    for (int i = 0; i < 3; ++i) {
        slow.push_back(TcpSocket::connect(gateway.port(), Deadline(patience)));
        slow.back().send(head_of("/v1/responses", largest, "Expect: 100-continue\r\n"));
        EXPECT_NE(read_until(slow.back(), "\r\n\r\n").find("100 Continue"), std::string::npos);
    }
    TcpSocket fourth = TcpSocket::connect(gateway.port(), Deadline(patience));
    fourth.send(head_of("/v1/responses", largest));
    EXPECT_NE(read_until(fourth, "\r\n\r\n").find("503"), std::string::npos);
    slow.pop_back();  // its share comes back
    std::string answer;
    const Deadline deadline(patience);
    while (answer.find("100 Continue") == std::string::npos && !deadline.over()) {
        TcpSocket fifth = TcpSocket::connect(gateway.port(), Deadline(patience));
        fifth.send(head_of("/v1/responses", largest, "Expect: 100-continue\r\n"));
        answer = read_until(fifth, "\r\n\r\n");
    }
    EXPECT_NE(answer.find("100 Continue"), std::string::npos);
}

TEST(GatewayHttp, EndsAConnectionWithItsAnswer) {
    GatewayFixture gateway(with_endpoints());
    TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
    const std::string body = hello_stream;
    socket.send(head_of(chat_path, body.size()) + body);
    const auto asked = gateway.next_request();
    const std::string run = text_member(*parse_json(asked.params_json()), "idempotencyKey");
    gateway.send_result(asked.id(), accepted(run), true);
    gateway.send_result(asked.id(), final_result("Hello"));
    const std::string answer = read_until(socket, "never");
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n")) << answer;
}

// Libwebsockets reads the two headers as one, and with them no length.
TEST(GatewayHttp, TakesNoBodyForARequest) {
    const GatewayFixture gateway;
    const std::string body = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    for (const char* path : {"/", "/assets/main.js", "/startupz"}) {
        TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
        socket.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nX-A: a\r\n" +
                    "Content-Length: " + std::to_string(body.size()) + "\r\nVia: 1.1 p\r\n\r\n");
        EXPECT_NE(read_until(socket, "\r\n\r\n").find("Connection: close"), std::string::npos);
        socket.send(body);
        EXPECT_EQ(read_until(socket, "never").find("HTTP/1.1"), std::string::npos) << path;
    }
}

TEST(GatewayHttp, EndsNoRunWhenItsReaderLeaves) {
    GatewayFixture gateway(with_endpoints());
    std::string run;
    uint64_t id = 0;
    {
        TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
        const std::string body = hello_stream;
        socket.send(head_of(chat_path, body.size()) + body);
        const auto asked = gateway.next_request();
        id = asked.id();
        run = text_member(*parse_json(asked.params_json()), "idempotencyKey");
        gateway.send_result(id, accepted(run), true);
        says(gateway, run, "Hel");
        EXPECT_NE(read_until(socket, "Hel").find("Hel"), std::string::npos);
    }
    says(gateway, run, "Hello");
    gateway.send_result(id, final_result("Hello"));
    // Nothing was asked of the agent meanwhile: the next request is this one.
    auto next = posting(gateway, chat_path, hello);
    const auto asked = gateway.next_request();
    EXPECT_EQ(asked.method(), "agent");
    gateway.send_result(asked.id(), final_result("Again"));
    EXPECT_EQ(next.get().status, 200);
}

TEST(GatewayHttp, EndsAConnectionThatSendsMoreBeforeItsAnswer) {
    GatewayFixture gateway(with_endpoints());
    TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
    const std::string body = hello;
    socket.send(head_of(chat_path, body.size()) + body);
    const auto asked = gateway.next_request();
    socket.send(std::string(100'000, 'x'));
    EXPECT_EQ(read_until(socket, "never"), "");
    gateway.send_result(asked.id(), final_result("Hello"));
    EXPECT_EQ(http_get(gateway.port(), "/healthz").status, 200);
}

TEST(GatewayHttp, OutlivesTheAgentsDeath) {
    GatewayFixture gateway(with_endpoints());
    TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
    const std::string body = hello_stream;
    socket.send(head_of(chat_path, body.size()) + body);
    const auto asked = gateway.next_request();
    const std::string run = text_member(*parse_json(asked.params_json()), "idempotencyKey");
    gateway.send_result(asked.id(), accepted(run), true);
    says(gateway, run, "Hel");
    EXPECT_NE(read_until(socket, "Hel").find("200 OK"), std::string::npos);
    gateway.kill_agent();
    gateway.agent_is(State::WAITING, 1);
    gateway.restart_agent(2);
    const auto waited = gateway.next_request();
    EXPECT_EQ(waited.method(), "agent.wait");
    says(gateway, run, "Hello");
    gateway.send_result(waited.id(), R"({"status":"ok"})");
    const auto again = gateway.next_request();
    EXPECT_EQ(again.method(), "agent");
    EXPECT_EQ(text_member(*parse_json(again.params_json()), "idempotencyKey"), run);
    gateway.send_result(again.id(), final_result("Hello"));
    const std::string rest = read_until(socket, "data: [DONE]\n\n");
    EXPECT_NE(rest.find("data: [DONE]\n\n"), std::string::npos) << rest;
    EXPECT_EQ(rest.find("Error"), std::string::npos) << rest;
}

TEST(GatewayHttp, ServesHooks) {
    GatewayFixture gateway(with_endpoints());
    auto wake = posting(gateway, "/hooks/wake", R"({"text":"mail"})", "hook-token");
    const auto woken = gateway.next_request();
    EXPECT_EQ(woken.method(), "wake");
    const Json event = *parse_json(woken.params_json());
    EXPECT_EQ(text_member(event, "mode"), "now");
    EXPECT_NE(text_view(event, "text").find("\nmail\n<<<end untrusted content "),
              std::string_view::npos);
    gateway.send_result(woken.id(), R"({"ok":true})");
    const HttpAnswer answer = wake.get();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"ok":true,"mode":"now"})");

    auto hook = posting(gateway, "/hooks/agent?token=hook-token",
                        R"({"message":"m","name":"N","model":"p/m","sessionKey":"hook:x"})", "");
    const auto patched = gateway.next_request();
    EXPECT_EQ(patched.method(), "sessions.patch");
    EXPECT_EQ(patched.params_json(), R"({"key":"hook:x","model":"p/m"})");
    gateway.send_result(patched.id(), "{}");
    const auto run = gateway.next_request();
    EXPECT_EQ(run.method(), "agent");
    gateway.send_result(run.id(), accepted("r"), true);
    const HttpAnswer started = hook.get();
    EXPECT_EQ(started.status, 202);
    EXPECT_TRUE(bool_member(json_of(started), "ok"));
    gateway.send_result(run.id(), final_result("done"));
    const auto delivery = gateway.next_request();
    EXPECT_EQ(delivery.method(), "internal.deliver");
    gateway.send_result(delivery.id(), "{}");
    const auto told = gateway.next_request();
    EXPECT_EQ(told.method(), "wake");
    EXPECT_NE(text_view(*parse_json(told.params_json()), "text").find("\nHook N: done\n<<<end "),
              std::string_view::npos);

    EXPECT_EQ(http_post(gateway.port(), "/hooks/js", "{}", "hook-token").status, 500);
    EXPECT_EQ(http_post(gateway.port(), "/hooks/none", "{}", "hook-token").status, 404);
    EXPECT_EQ(http_post(gateway.port(), "/hooks/none", " \r\n", "hook-token").status, 404);
    EXPECT_EQ(http_post(gateway.port(), "/hooks/wake", "{", "hook-token").status, 400);
    EXPECT_EQ(http_post(gateway.port(), "/hooks/wake", "{}", "test-token").status, 401);
    EXPECT_EQ(http_get(gateway.port(), "/hooks/wake?token=hook-token").status, 405);
}

TEST(GatewayHttp, WaitsForTheAgentOverAnEmptyBody) {
    GatewayFixture gateway(with_endpoints());
    for (const char* length : {"Content-Length: 0\r\n", ""}) {
        TcpSocket socket = TcpSocket::connect(gateway.port(), Deadline(patience));
        socket.send(
            std::string("POST /hooks/ping?token=hook-token HTTP/1.1\r\nHost: localhost\r\n") +
            length + "\r\n");
        gateway.send_result(gateway.next_request().id(), accepted("r"), true);
        EXPECT_NE(read_until(socket, "}").find("202 Accepted"), std::string::npos) << length;
    }
}

TEST(GatewayHttp, ServesResponsesAndTools) {
    GatewayFixture gateway(with_endpoints());
    auto answer = posting(gateway, "/v1/responses", R"({"model":"m","input":"hi"})");
    const auto asked = gateway.next_request();
    gateway.send_result(asked.id(), final_result("Hello"));
    EXPECT_EQ(json_of(answer.get())["output"][0]["content"][0]["text"], "Hello");
    auto tool = posting(gateway, "/tools/invoke", R"({"tool":"agents_list"})");
    const auto invoked = gateway.next_request();
    EXPECT_EQ(invoked.method(), "internal.tool");
    gateway.send_result(invoked.id(), R"({"ok":false,"type":"not_found","message":"no"})");
    EXPECT_EQ(tool.get().status, 404);
}

TEST(GatewayHttp, WritesTheAssistantIntoThePage) {
    GatewayFixture gateway;
    gateway.answer_with("internal.avatar",
                        R"({"agentId":"main","name":"Bob </script>","avatar":"a.png",)"
                        R"("mimeType":"image/png","content":"aGk="})");
    const HttpAnswer page = http_get(gateway.port(), "/chat");
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find(R"(NAME__="Bob \u003c/script>")"), std::string::npos);
    EXPECT_NE(page.body.find(R"(AVATAR__="/avatar/main")"), std::string::npos);
    EXPECT_NE(page.headers.find("script-src 'self' 'sha256-"), std::string::npos);
    EXPECT_EQ(http_get(gateway.port(), "/avatar/main?meta=1").body,
              R"({"avatarUrl":"/avatar/main"})");
    const HttpAnswer picture = http_get(gateway.port(), "/avatar/main");
    EXPECT_EQ(picture.body, "hi");
    EXPECT_NE(picture.headers.find("Content-Type: image/png"), std::string::npos);
    EXPECT_EQ(http_get(gateway.port(), "/avatar/main", "", "HEAD").status, 200);
    EXPECT_EQ(http_get(gateway.port(), "/avatar/Main").status, 404);
    EXPECT_EQ(http_get(gateway.port(), "/", "", "HEAD").body, "");
    EXPECT_EQ(http_post(gateway.port(), "/avatar/main", "", "").status, 405);
}

TEST(GatewayHttp, SendsThePagePackedAndOnce) {
    GatewayFixture gateway;
    const auto get = [&](const std::string& headers) {
        return http_get(gateway.port(), "/assets/main.js", headers);
    };
    const HttpAnswer plain = get("");
    const HttpAnswer packed = get("Accept-Encoding: gzip, deflate, br\r\n");
    EXPECT_EQ(packed.status, 200);
    EXPECT_NE(packed.headers.find("\r\nContent-Encoding: br"), std::string::npos) << packed.headers;
    EXPECT_LT(packed.body.size(), plain.body.size() / 2);
    EXPECT_NE(get("Accept-Encoding: gzip\r\n").headers.find("Content-Encoding: gzip"),
              std::string::npos);
    const size_t tag = packed.headers.find("ETag: ") + 6;
    ASSERT_GT(tag, 6u);
    const std::string known = packed.headers.substr(tag, packed.headers.find("\r\n", tag) - tag);
    const HttpAnswer again =
        get("Accept-Encoding: gzip, deflate, br\r\nIf-None-Match: " + known + "\r\n");
    EXPECT_EQ(again.status, 304) << again.headers;
    EXPECT_EQ(again.body, "");
}

TEST(GatewayHttp, ServesThePageWithoutAnAgent) {
    GatewayFixture::Options options;
    options.agent_ready = false;
    GatewayFixture gateway(options);
    const HttpAnswer page = http_get(gateway.port(), "/");
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find(R"(NAME__="Assistant")"), std::string::npos);
    EXPECT_EQ(http_get(gateway.port(), "/avatar/main?meta=1").body, R"({"avatarUrl":null})");
}

TEST(GatewayHttp, ServesAnotherBuildOfThePage) {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/page-XXXXXX";
    const std::string root = mkdtemp(pattern.data());
    std::filesystem::create_directory(root + "/assets");
    std::ofstream(root + "/index.html") << "<head></head>theirs";
    std::ofstream(root + "/assets/app.js") << "code";
    std::filesystem::create_symlink("/etc/passwd", root + "/assets/out.js");
    std::filesystem::create_symlink("app.js", root + "/assets/in.js");
    GatewayFixture::Options options;
    options.config_json = R"({"gateway":{"controlUi":{"basePath":"ui","root":")" + root + R"("}}})";
    GatewayFixture gateway(options);
    const auto get = [&](const char* path) { return http_get(gateway.port(), path); };
    EXPECT_EQ(get("/ui").status, 302);
    EXPECT_NE(get("/ui?token=a%20b").headers.find("Location: /ui/?token=a%20b"), std::string::npos);
    EXPECT_NE(get("/ui/").body.find(R"(BASE_PATH__="/ui";)"), std::string::npos);
    EXPECT_NE(get("/ui/chat").body.find("theirs"), std::string::npos);
    EXPECT_EQ(get("/ui/assets/app.js").body, "code");
    EXPECT_EQ(get("/ui/deep/assets/app.js").body, "code");
    EXPECT_EQ(get("/ui/assets/in.js").body, "code");
    EXPECT_EQ(get("/ui/assets/out.js").status, 404) << "a link may not lead out";
    EXPECT_EQ(get("/ui/missing.js").status, 404);
    EXPECT_EQ(get("/ui/%2e%2e/%2e%2e/etc/passwd").body.find("root:"), std::string::npos);
    EXPECT_EQ(get("/").status, 404);
    EXPECT_EQ(get("/healthz").status, 200);
    std::filesystem::remove_all(root);
}

class OwnPage {
  public:
    OwnPage() {
        std::string pattern = std::filesystem::temp_directory_path().string() + "/page-XXXXXX";
        root = mkdtemp(pattern.data());
        std::ofstream(root + "/index.html") << "<head></head>theirs";
    }
    ~OwnPage() { std::filesystem::remove_all(root); }
    GatewayFixture::Options options() const {
        GatewayFixture::Options made;
        made.config_json = R"({"gateway":{"controlUi":{"root":")" + root + R"("}}})";
        return made;
    }
    std::string root;
};

// How far the process has read in the file that it has open; nothing: it has not.
std::optional<uint64_t> place_in(int pid, const std::string& file) {
    const std::string process = "/proc/" + std::to_string(pid);
    for (const auto& entry : std::filesystem::directory_iterator(process + "/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone) != file) continue;
        std::ifstream info(process + "/fdinfo/" + entry.path().filename().string());
        std::string word;
        uint64_t place = 0;
        if (info >> word >> place && word == "pos:") return place;
    }
    return {};
}

TEST(GatewayHttp, ReadsNoMoreOfALargeFileThanItsClientTakes) {
    constexpr uint64_t size = 60u << 20;  // the kernel's own buffers hold some
    const OwnPage page;
    const std::string name = page.root + "/large.js";
    std::ofstream(name) << "begin";
    std::filesystem::resize_file(name, size);
    GatewayFixture gateway(page.options());
    {
        TcpSocket reader = TcpSocket::connect(gateway.port(), Deadline(patience));
        reader.send("GET /large.js HTTP/1.1\r\nHost: localhost\r\n\r\n");
        EXPECT_NE(read_until(reader, "begin").find("Content-Length: 62914560"), std::string::npos);
        const auto place = place_in(gateway.pid(), name);
        ASSERT_TRUE(place);
        EXPECT_LT(*place, size / 2);
    }
    EXPECT_EQ(http_get(gateway.port(), "/large.js").body.size(), size);
    const HttpAnswer head = http_get(gateway.port(), "/large.js", "", "HEAD");
    EXPECT_EQ(head.status, 200);
    EXPECT_NE(head.headers.find("Content-Length: 62914560"), std::string::npos);
    EXPECT_EQ(head.body, "");
}

TEST(GatewayHttp, EndsTheConnectionWhenAFileIsCutWhileItIsSent) {
    const OwnPage page;
    const std::string name = page.root + "/shrinks.js";
    std::ofstream(name) << "begin";
    std::filesystem::resize_file(name, 60u << 20);
    GatewayFixture gateway(page.options());
    TcpSocket reader = TcpSocket::connect(gateway.port(), Deadline(patience));
    reader.send("GET /shrinks.js HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_NE(read_until(reader, "begin").find("Content-Length: 62914560"), std::string::npos);
    std::filesystem::resize_file(name, 1);
    EXPECT_LT(read_until(reader, "never").size(), 60u << 20) << "ended, with less than promised";
    EXPECT_EQ(http_get(gateway.port(), "/healthz").status, 200);
}

}  // namespace
