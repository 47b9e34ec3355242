#include "tests/workers/gateway/gateway_fixture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "workers/common/base/board_page.h"

using hardshell::proto::AgentToGateway;
using hardshell::proto::FromWorker;
using hardshell::proto::GatewayToAgent;
using hardshell::proto::ToWorker;
using hardshell::proto::WorkerStatus;

namespace {

constexpr int listener_descriptor = 10;
constexpr int board_descriptor = 11;

// Out of the way of the numbers that the child uses.
Fd high(int descriptor) {
    Fd moved(fcntl(descriptor, F_DUPFD_CLOEXEC, 50));
    ::close(descriptor);
    return moved;
}

Fd listening_socket(uint16_t& port) {
    Fd socket = high(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(socket.get(), 128) != 0 ||
        getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        std::abort();
    port = ntohs(address.sin_port);
    return socket;
}

int start_program(const std::string& program, const std::string& directory, int supervisor,
                  int listener, int board) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, supervisor, 3);
    posix_spawn_file_actions_adddup2(&actions, listener, listener_descriptor);
    posix_spawn_file_actions_adddup2(&actions, board, board_descriptor);
    posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
    char* arguments[] = {const_cast<char*>(program.c_str()), nullptr};
    int pid = 0;
    if (posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ) != 0)
        std::abort();
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

void describe(WorkerStatus& status, const char* name, WorkerStatus::State state,
              uint64_t incarnation) {
    status.set_name(name);
    status.set_kind(name);
    status.set_state(state);
    status.set_incarnation(incarnation);
    status.set_pid(4000 + static_cast<int>(incarnation));
    status.set_critical(true);
}

}  // namespace

GatewayFixture::GatewayFixture(Options options) : options_(std::move(options)) {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/gateway-XXXXXX";
    state_dir_ = mkdtemp(pattern.data());
    const Fd listener = listening_socket(port_);
    Result<Fd> page = BoardPage::create("gateway");
    const Fd board = high(page->release());
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    Fd own = high(ends[0]);
    const Fd other = high(ends[1]);

    loop_ = make_epoll_loop();
    wake_ = Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    agent_end_.set_name("gateway-agent");
    agent_end_.set_peer("gateway");
    agent_end_.set_endpoint("ipc://" + state_dir_ + "/link");
    agent_end_.set_binds(true);
    open_agent(1);

    const std::string program =
        std::string(std::getenv("HARDSHELL_BUILD")) + "/libexec/hardshell/gateway";
    pid_ = start_program(program, state_dir_, other.get(), listener.get(), board.get());
    supervisor_ = std::make_unique<FrameStream>(*loop_, std::move(own));
    supervisor_->on_frame([this](std::string_view frame) {
        FromWorker message;
        if (!message.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) return;
        const std::lock_guard<std::mutex> lock(mutex_);
        ready_ = ready_ || message.has_ready();
        changed_.notify_all();
    });

    ToWorker message;
    auto& start = *message.mutable_start();
    start.set_worker("gateway");
    start.set_kind("gateway");
    start.set_incarnation(1);
    start.mutable_settings()->set_config_json(options_.config_json);
    start.mutable_settings()->set_state_dir(state_dir_);
    start.mutable_settings()->set_port(port_);
    for (const auto& [name, value] : options_.environment)
        (*start.mutable_settings()->mutable_environment())[name] = value;
    auto& secret = *start.add_secrets();
    secret.set_name("gateway.auth.token");
    secret.set_value(options_.token);
    if (!options_.hooks_token.empty()) {
        auto& hooks = *start.add_secrets();
        hooks.set_name("hooks.token");
        hooks.set_value(options_.hooks_token);
    }
    auto& link = *start.add_links();
    link = agent_end_;
    link.set_peer("agent");
    link.set_binds(false);
    auto& listening = *start.add_handles();
    listening.set_name("listener:http");
    listening.set_descriptor(listener_descriptor);
    auto& own_page = *start.add_handles();
    own_page.set_name("board");
    own_page.set_descriptor(board_descriptor);
    describe(*start.add_workers(), "gateway", WorkerStatus::STARTING, 1);
    describe(*start.add_workers(), "agent",
             options_.agent_ready ? WorkerStatus::READY : WorkerStatus::STARTING, 1);
    for (const auto& path : options_.public_paths)
        *start.mutable_settings()->add_public_paths() = path;
    if (!options_.public_paths.empty()) {
        describe(*start.add_workers(), "webhooks", WorkerStatus::READY, 1);
        auto& stream = *start.add_streams();
        stream.set_peer("webhooks");
        stream.set_path(state_dir_ + "/routes");
    }
    start.set_log_level("warn");
    (void)supervisor_->send(message);
    answer_with("internal.health", R"({"defaultAgentId":"main","heartbeatSeconds":0,"agents":[],)"
                                   R"("sessions":{"path":"p","count":1,"recent":[]}})");
    answer_with("internal.status", R"({"sessions":{"count":1},"model":"demo/demo"})");
    answer_with("internal.avatar", R"({"agentId":"main","name":"Assistant","avatar":"A"})");
    thread_ = std::thread([this] { on_thread(); });

    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, patience, [this] { return ready_; }))
        ADD_FAILURE() << "the gateway did not become ready";
}

GatewayFixture::~GatewayFixture() {
    on_loop([this] { loop_->stop(0); });
    thread_.join();
    wake_watch_.reset();
    agent_.reset();
    supervisor_.reset();  // without its supervisor the gateway ends
    if (!exit_code_) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(state_dir_);
}

void GatewayFixture::on_thread() {
    wake_watch_ = loop_->watch(wake_.get(), Loop::readable, [this](unsigned) {
        uint64_t count = 0;
        (void)!read(wake_.get(), &count, sizeof count);
        std::vector<std::function<void()>> tasks;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            tasks.swap(tasks_);
        }
        for (const auto& task : tasks) task();
    });
    loop_->run();
}

void GatewayFixture::on_loop(std::function<void()> task) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    const uint64_t one = 1;
    (void)!write(wake_.get(), &one, sizeof one);
}

void GatewayFixture::open_agent(uint64_t incarnation) {
    agent_.reset();
    auto link = Link::open(*loop_, agent_end_, incarnation);
    if (!link) std::abort();
    agent_ = std::move(*link);
    agent_->on_message([this](std::string_view message) { take_from_gateway(message); });
    AgentToGateway hello;
    hello.mutable_link_up();
    (void)agent_->send(hello);
}

void GatewayFixture::take_from_gateway(std::string_view text) {
    GatewayToAgent message;
    if (!message.ParseFromArray(text.data(), static_cast<int>(text.size())) || !message.has_rpc())
        return;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto answer = answers_.find(message.rpc().method());
    if (answer == answers_.end()) {
        requests_.push_back(message.rpc());
        changed_.notify_all();
        return;
    }
    AgentToGateway result;
    result.mutable_rpc_result()->set_id(message.rpc().id());
    result.mutable_rpc_result()->set_ok(true);
    result.mutable_rpc_result()->set_payload_json(answer->second);
    (void)agent_->send(result);
}

void GatewayFixture::answer_with(const std::string& method, const std::string& payload_json) {
    const std::lock_guard<std::mutex> lock(mutex_);
    answers_[method] = payload_json;
}

GatewayFixture::Rpc GatewayFixture::next_request() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, patience, [this] { return !requests_.empty(); })) {
        ADD_FAILURE() << "the agent was asked nothing";
        return {};
    }
    Rpc request = requests_.front();
    requests_.pop_front();
    return request;
}

void GatewayFixture::send_result(uint64_t id, const std::string& payload_json, bool more) {
    AgentToGateway message;
    message.mutable_rpc_result()->set_id(id);
    message.mutable_rpc_result()->set_ok(true);
    message.mutable_rpc_result()->set_payload_json(payload_json);
    message.mutable_rpc_result()->set_more(more);
    on_loop([this, message] { (void)agent_->send(message); });
}

void GatewayFixture::send_failure(uint64_t id, const std::string& code, const std::string& text) {
    AgentToGateway message;
    message.mutable_rpc_result()->set_id(id);
    message.mutable_rpc_result()->set_error_code(code);
    message.mutable_rpc_result()->set_error_message(text);
    on_loop([this, message] { (void)agent_->send(message); });
}

void GatewayFixture::send_event(const std::string& event, const std::string& payload_json,
                                const std::string& run_id, const std::string& session_key,
                                uint64_t run_sequence, bool droppable) {
    AgentToGateway message;
    auto& made = *message.mutable_event();
    made.set_event(event);
    made.set_payload_json(payload_json);
    made.set_run_id(run_id);
    made.set_session_key(session_key);
    made.set_run_sequence(run_sequence);
    made.set_drop_if_slow(droppable);
    on_loop([this, message] { (void)agent_->send(message); });
}

void GatewayFixture::send_run_ended(const std::string& run_id) {
    AgentToGateway message;
    message.mutable_run_ended()->set_run_id(run_id);
    on_loop([this, message] { (void)agent_->send(message); });
}

void GatewayFixture::send_to_gateway(const google::protobuf::MessageLite& message) {
    std::shared_ptr<google::protobuf::MessageLite> copy(message.New());
    copy->CheckTypeAndMergeFrom(message);
    on_loop([this, copy] { (void)supervisor_->send(*copy); });
}

void GatewayFixture::agent_is(State state, uint64_t incarnation) {
    ToWorker message;
    describe(*message.mutable_workers_changed()->add_workers(), "gateway", WorkerStatus::READY, 1);
    describe(*message.mutable_workers_changed()->add_workers(), "agent", state, incarnation);
    send_to_gateway(message);
}

void GatewayFixture::public_url_is(const hardshell::proto::PublicUrl& url) {
    ToWorker message;
    *message.mutable_public_url() = url;
    send_to_gateway(message);
}

void GatewayFixture::kill_agent() {
    std::promise<void> gone;
    on_loop([&] {
        agent_.reset();
        gone.set_value();
    });
    gone.get_future().wait();
}

void GatewayFixture::restart_agent(uint64_t incarnation) {
    on_loop([this, incarnation] { open_agent(incarnation); });
    agent_is(WorkerStatus::STARTING, incarnation);
    agent_is(WorkerStatus::READY, incarnation);
}

void GatewayFixture::stop(const std::string& reason, bool will_restart) {
    ToWorker message;
    message.mutable_stop()->set_reason(reason);
    message.mutable_stop()->set_will_restart(will_restart);
    message.mutable_stop()->set_budget_ms(4000);
    send_to_gateway(message);
}

int GatewayFixture::wait_for_exit() {
    int status = 0;
    if (waitpid(pid_, &status, 0) != pid_) return -1;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return *exit_code_;
}

Json GatewayFixture::connect_params(const std::string& token) {
    return {
        {"minProtocol", 3},
        {"maxProtocol", 3},
        {"client", {{"id", "test"}, {"version", "dev"}, {"platform", "linux"}, {"mode", "test"}}},
        {"auth", {{"token", token}}}};
}

std::unique_ptr<WebSocket> GatewayFixture::stranger(std::string* nonce) {
    auto made = std::make_unique<WebSocket>();
    EXPECT_TRUE(made->open(port_, "", Deadline(patience)));
    const Json challenge = next_event(*made, "connect.challenge");
    if (nonce) *nonce = text_member(member(challenge, "payload"), "nonce");
    return made;
}

std::unique_ptr<WebSocket> GatewayFixture::client(Json* hello) {
    auto made = stranger();
    send_request(*made, "hello", "connect", connect_params(options_.token));
    const Json answer = response_to(*made, "hello");
    EXPECT_TRUE(bool_member(answer, "ok")) << print_json(answer);
    if (hello) *hello = member(answer, "payload");
    return made;
}

void send_request(WebSocket& client, const std::string& id, const std::string& method,
                  const Json& params) {
    EXPECT_TRUE(client.send_text(
        print_json({{"type", "req"}, {"id", id}, {"method", method}, {"params", params}})));
}

Json next_frame(WebSocket& client) {
    const auto text = client.receive(Deadline(patience));
    if (!text) {
        ADD_FAILURE() << (client.is_closed() ? "closed with " : "nothing came; ")
                      << client.close_code() << " " << client.close_reason();
        return {};
    }
    Result<Json> parsed = parse_json(*text);
    if (parsed) return *parsed;
    ADD_FAILURE() << "no JSON: " << *text;
    return {};
}

Json response_to(WebSocket& client, const std::string& id) {
    for (;;) {
        const Json frame = next_frame(client);
        if (frame.is_null() || text_member(frame, "id") == id) return frame;
    }
}

Json next_event(WebSocket& client, const std::string& event) {
    for (;;) {
        const Json frame = next_frame(client);
        if (frame.is_null() || text_member(frame, "event") == event) return frame;
    }
}
