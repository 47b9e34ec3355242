// The real gateway program between two ends that the test holds: a supervisor over the inherited
// socket, and an agent that binds the link.
//
// Both ends live on a thread of their own, so that a test may block on its clients.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proto/gateway_agent.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "tests/support/deadline.h"
#include "tests/support/web_socket.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/json.h"
#include "workers/common/base/loop.h"
#include "workers/common/link.h"

class GatewayFixture {
  public:
    struct Options {
        std::string config_json = "{}";
        std::string token = "test-token";
        std::string hooks_token = "";
        bool agent_ready = true;
        std::map<std::string, std::string> environment = {};  // as the plan hands it over
        // Paths that belong to a worker "webhooks", which takes requests on the socket "routes" in
        // the state directory.
        std::vector<hardshell::proto::PublicPath> public_paths = {};
    };
    using Rpc = hardshell::proto::Rpc;
    using State = hardshell::proto::WorkerStatus::State;

    // Starts the gateway and waits until it is ready.
    explicit GatewayFixture(Options options);
    GatewayFixture() : GatewayFixture(Options{}) {}
    ~GatewayFixture();

    uint16_t port() const { return port_; }
    int pid() const { return pid_; }
    const std::string& token() const { return options_.token; }
    const std::string& state_dir() const { return state_dir_; }

    // The agent answers every request of that method with this payload; others wait for the test.
    void answer_with(const std::string& method, const std::string& payload_json);
    // The next request that was not answered so.
    Rpc next_request();
    void send_result(uint64_t id, const std::string& payload_json, bool more = false);
    void send_failure(uint64_t id, const std::string& code, const std::string& message);
    void send_event(const std::string& event, const std::string& payload_json,
                    const std::string& run_id = {}, const std::string& session_key = {},
                    uint64_t run_sequence = 0, bool droppable = false);
    void send_run_ended(const std::string& run_id);

    // What the supervisor says about the agent.
    void agent_is(State state, uint64_t incarnation);
    // Closes the agent's end, as its death does; the supervisor says nothing yet.
    void kill_agent();
    // A new life of the agent on the same link.
    void restart_agent(uint64_t incarnation);
    // Tells the gateway to stop.
    void stop(const std::string& reason, bool will_restart);
    int wait_for_exit();

    // What the supervisor says about the tunnel.
    void public_url_is(const hardshell::proto::PublicUrl& url);

    // A client that has been let in with the token; its hello payload in `hello`.
    std::unique_ptr<WebSocket> client(Json* hello = nullptr);
    // One that has been challenged only.
    std::unique_ptr<WebSocket> stranger(std::string* nonce = nullptr);
    static Json connect_params(const std::string& token);

  private:
    void on_thread();
    void open_agent(uint64_t incarnation);
    void take_from_gateway(std::string_view message);
    void on_loop(std::function<void()> task);
    void send_to_gateway(const google::protobuf::MessageLite& message);

    Options options_;
    std::string state_dir_;
    uint16_t port_ = 0;
    int pid_ = 0;
    std::optional<int> exit_code_;

    std::unique_ptr<Loop> loop_;
    std::unique_ptr<FrameStream> supervisor_;
    std::unique_ptr<Link> agent_;
    hardshell::proto::LinkEnd agent_end_;
    Fd wake_;
    Loop::Registration wake_watch_;
    std::thread thread_;

    std::mutex mutex_;  // for what follows
    std::condition_variable changed_;
    std::vector<std::function<void()>> tasks_;
    std::deque<Rpc> requests_;
    std::map<std::string, std::string> answers_;
    bool ready_ = false;
};

// Requests of a test's client.
void send_request(WebSocket& client, const std::string& id, const std::string& method,
                  const Json& params = Json::object());
// The next frame; fails the test and is null when none comes.
Json next_frame(WebSocket& client);
// The response to that id, the next event of that name; everything before it is skipped.
Json response_to(WebSocket& client, const std::string& id);
Json next_event(WebSocket& client, const std::string& event);
