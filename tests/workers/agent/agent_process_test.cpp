// The agent as a process: started as the supervisor starts it, asked as the gateway asks it.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "proto/gateway_agent.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "tests/workers/agent/support.h"
#include "workers/common/base/board_page.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/run_worker.h"

namespace agent {

namespace {

using hardshell::proto::AgentToGateway;
using hardshell::proto::FromWorker;
using hardshell::proto::GatewayToAgent;
using hardshell::proto::LinkEnd;
using hardshell::proto::ToWorker;
using testing::HasSubstr;

constexpr int64_t patience_ms = 20'000;

class AgentProcess : public testing::Test {
  protected:
    AgentProcess() : loop(make_epoll_loop()) {}
    ~AgentProcess() override { stop_hard(); }

    void start(uint64_t incarnation) {
        int ends[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        Result<Fd> page = BoardPage::create("agent");
        ASSERT_TRUE(page);
        const std::string program =
            std::string(getenv("HARDSHELL_BUILD")) + "/libexec/hardshell/agent";
        const int page_descriptor = 20;
        pid = fork();
        if (pid == 0) {
            dup2(ends[1], supervisor_descriptor);
            dup2(page->get(), page_descriptor);
            if (!log.empty()) dup2(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
            if (chdir(directory.path().c_str()) == 0) execl(program.c_str(), "agent", nullptr);
            _exit(127);
        }
        close(ends[1]);
        supervisor = std::make_unique<FrameStream>(*loop, Fd(ends[0]));
        supervisor->on_frame([this](std::string_view frame) {
            FromWorker message;
            message.ParseFromArray(frame.data(), static_cast<int>(frame.size()));
            ready = ready || message.has_ready();
        });
        supervisor->on_close([this](const std::string&) { gone = true; });
        ready = gone = false;
        ToWorker message;
        auto& begin = *message.mutable_start();
        begin.set_worker("agent");
        begin.set_kind("agent");
        begin.set_incarnation(incarnation);
        begin.mutable_settings()->set_config_json("{}");
        begin.mutable_settings()->set_state_dir(directory.path());
        *begin.add_links() = end("gateway", true);
        auto& handle = *begin.add_handles();
        handle.set_name("board");
        handle.set_descriptor(page_descriptor);
        ASSERT_TRUE(supervisor->send(message));
        until([this] { return ready; });
    }

    LinkEnd end(const std::string& peer, bool binds) const {
        LinkEnd link_end;
        link_end.set_name("gateway-agent");
        link_end.set_peer(peer);
        link_end.set_endpoint("ipc://" + (directory / "link"));
        link_end.set_binds(binds);
        return link_end;
    }

    // A process that dies takes its connection along; a link that is destroyed here leaves it to
    // a thread of ZeroMQ, and the agent could answer into it still.
    bool is_connected() const {
        std::ifstream sockets("/proc/net/unix");
        std::string line;
        while (std::getline(sockets, line))
            if (line.find(" 03 ") != std::string::npos && line.ends_with(directory / "link"))
                return true;
        return false;
    }

    void connect_gateway(uint64_t incarnation) {
        link.reset();
        until([this] { return !is_connected(); });
        auto opened = Link::open(*loop, end("agent", false), incarnation);
        ASSERT_TRUE(opened);
        link = std::move(*opened);
        link->on_message([this](std::string_view text) {
            AgentToGateway message;
            message.ParseFromArray(text.data(), static_cast<int>(text.size()));
            if (message.has_rpc_result()) results.push_back(message.rpc_result());
            if (message.has_event()) events.push_back(message.event());
            if (message.has_run_ended()) ended.push_back(message.run_ended().run_id());
        });
    }

    uint64_t ask(const std::string& method, const Json& params) {
        GatewayToAgent message;
        message.mutable_rpc()->set_id(next_id);
        message.mutable_rpc()->set_method(method);
        message.mutable_rpc()->set_params_json(print_json(params));
        EXPECT_TRUE(link->send(message));
        return next_id++;
    }
    Json answer_to(uint64_t id) {
        Json payload;
        until([&] {
            for (const auto& result : results) {
                if (result.id() != id) continue;
                payload = parsed(result.ok() ? result.payload_json() : "");
                if (!result.ok()) payload = result.error_message();
                return true;
            }
            return false;
        });
        return payload;
    }
    static Json parsed(const std::string& text) {
        Result<Json> value = parse_json(text);
        return value ? *value : Json();
    }
    Json final_of(const std::string& run_id) {
        Json payload;
        until([&] {
            for (const auto& event : events) {
                if (event.event() != "chat" || event.run_id() != run_id) continue;
                payload = parsed(event.payload_json());
                if (text_member(payload, "state") != "delta") return true;
            }
            return false;
        });
        return payload;
    }
    uint64_t send(const std::string& text, const std::string& run_id) {
        return ask("chat.send",
                   {{"sessionKey", "main"}, {"message", text}, {"idempotencyKey", run_id}});
    }

    void until(const std::function<bool()>& is_so) {
        const int64_t deadline = monotonic_ms() + patience_ms;
        const auto look = loop->before_sleep([&] {
            if (is_so() || monotonic_ms() > deadline) loop->stop(0);
        });
        const auto tick = loop->every(std::chrono::milliseconds(50), [] {});
        loop->run();
        ASSERT_TRUE(is_so()) << "waited " << patience_ms << " ms in vain";
    }
    void stop_hard() {
        if (pid <= 0) return;
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        pid = 0;
        supervisor.reset();
    }

    TemporaryDirectory directory;
    std::string log;  // where it writes its log, unless empty
    std::unique_ptr<Loop> loop;
    std::unique_ptr<FrameStream> supervisor;
    std::unique_ptr<Link> link;
    std::vector<hardshell::proto::RpcResult> results;
    std::vector<hardshell::proto::ClientEvent> events;
    std::vector<std::string> ended;
    bool ready = false;
    bool gone = false;
    pid_t pid = 0;
    uint64_t next_id = 1;
};

}  // namespace

TEST_F(AgentProcess, AnswersWithTheDemoModelAndKeepsTheConversationOverAKill) {
    start(1);
    connect_gateway(1);
    EXPECT_EQ(answer_to(send("hello there", "r1"))["status"], "started");
    const Json final = final_of("r1");
    EXPECT_EQ(final["state"], "final");
    EXPECT_THAT(print_json(final["message"]), HasSubstr("hello there"));
    until([this] { return !ended.empty(); });

    stop_hard();
    start(2);
    const Json history = answer_to(ask("chat.history", {{"sessionKey", "agent:main:main"}}));
    ASSERT_EQ(history["messages"].size(), 2u);
    EXPECT_EQ(history["messages"][1]["role"], "assistant");
    EXPECT_EQ(answer_to(send("hello there", "r1"))["status"], "ok") << "a duplicate";
    EXPECT_EQ(answer_to(ask("internal.status", Json::object()))["model"], "demo/demo");
}

TEST_F(AgentProcess, AnswersOnlyTheLifeOfTheGatewayThatAsked) {
    start(1);
    connect_gateway(1);
    const uint64_t old_id = ask("agent.wait", {{"runId", "later"}, {"timeoutMs", 60'000}});
    answer_to(ask("agents.list", Json::object()));  // so the first has arrived as well
    results.clear();
    connect_gateway(2);
    next_id = old_id;  // the new life counts from the start
    EXPECT_EQ(answer_to(ask("agents.list", Json::object()))["mainKey"], "main");
    results.clear();
    send("hi", "later");  // ends what the old life waited for
    final_of("later");
    until([this] { return !ended.empty(); });
    answer_to(ask("agents.list", Json::object()));
    for (const auto& result : results) EXPECT_NE(result.id(), old_id);
}

TEST_F(AgentProcess, EndsInOrderWhenAskedTo) {
    start(1);
    connect_gateway(1);
    answer_to(send("hello", "r1"));
    final_of("r1");
    ToWorker message;
    message.mutable_stop()->set_budget_ms(3000);
    ASSERT_TRUE(supervisor->send(message));
    until([this] { return gone; });
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    pid = 0;
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    const Json index = parsed(read_text(directory / "agents/main/sessions/sessions.json"));
    EXPECT_TRUE(index.contains("agent:main:main")) << "exported at the end";
}

TEST_F(AgentProcess, LetsGoOfMemoryAndGoesOn) {
    log = directory / "log";
    start(1);
    connect_gateway(1);
    answer_to(send("before", "r1"));
    final_of("r1");
    ToWorker message;
    message.mutable_shed()->set_memory_bytes(32u << 20);
    message.mutable_shed()->set_memory_soft_bytes(30u << 20);
    ASSERT_TRUE(supervisor->send(message));
    until([this] { return read_text(log).find("near the memory limit") != std::string::npos; });
    EXPECT_THAT(read_text(log), testing::ContainsRegex(
                                    "near the memory limit, 32.0 of 30.0 MiB: let go of what can "
                                    "be rebuilt, [0-9.]+ MiB of its own before and [0-9.]+ "
                                    "after"));
    answer_to(send("after", "r2"));
    EXPECT_EQ(final_of("r2")["state"], "final");
    const Json history = answer_to(ask("chat.history", {{"sessionKey", "agent:main:main"}}));
    EXPECT_EQ(history["messages"].size(), 4u);
}

}  // namespace agent
