// What every worker shares: start-up over the inherited socket, heartbeat, links, the last catch,
// and an Error turned into an exit code that the supervisor knows.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/board_page.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/idle_memory.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"
#include "workers/common/base/secret.h"
#include "workers/common/base/sleep_watch.h"
#include "workers/common/link.h"

class Worker {
  public:
    using Status = hardshell::proto::WorkerStatus;

    // Use run_worker().
    Worker(std::unique_ptr<Loop> loop, hardshell::proto::Start start, Fd supervisor,
           BoardPage page);
    ~Worker();

    Loop& loop() { return *loop_; }
    const std::string& name() const { return start_.worker(); }
    uint64_t incarnation() const { return start_.incarnation(); }
    const hardshell::proto::WorkerSettings& settings() const { return start_.settings(); }
    BoardPage& board() { return page_; }

    // The secret of that name ("gateway.auth.token"), empty when there is none.
    const Secret& secret(const std::string& name) const;
    // All secrets whose name begins so, by name.
    std::vector<std::pair<std::string, Secret>> secrets_under(const std::string& prefix) const;
    // Where it was found, for messages.
    std::string secret_source(const std::string& name) const;
    // Inherited descriptors of that name ("listener:http"), handed over once.
    std::vector<int> handles(const std::string& name) const;

    // Opens the link to that worker. bad_config when the plan has none. Also follows the peer's
    // lives: its death discards what waits for it.
    Result<std::unique_ptr<Link>> open_link(const std::string& peer);
    // Whether the plan has one.
    bool has_link(const std::string& peer) const;

    // Where the link to that worker is, for messages and policy; empty when there is none.
    std::string endpoint_of(const std::string& peer) const;

    // Where that worker takes requests that this one hands on: the path of a Unix socket; empty
    // when the plan has none.
    std::string stream_to(const std::string& peer) const;

    // Under which address the internet reaches this machine through a tunnel, as it is now; known
    // to the gateway and to those that public paths belong to.
    using PublicUrl = hardshell::proto::PublicUrl;
    const PublicUrl& public_url() const { return start_.public_url(); }
    // After each change.
    void on_public_url(std::function<void()> handler) { on_public_url_ = std::move(handler); }
    // For the tunnel worker: what it is from now on.
    Done publish(const PublicUrl& url);

    // Tells the supervisor that this worker serves.
    void ready(const std::string& summary = {});
    // The supervisor asks to stop within the budget; the handler ends the loop when done. Without
    // a handler the loop ends at once.
    void on_stop(std::function<void(const hardshell::proto::Stop&)> handler);
    // This worker is near its memory limit: the handler lets go of what can be rebuilt. What that
    // freed goes back to the machine, and the log has the numbers; both without a handler too.
    void on_shed(std::function<void()> handler) { on_shed_ = std::move(handler); }
    // The machine stood still for a while: connections to the outside are dead, whatever the kernel
    // says. Called within a second of its going on.
    void on_resumed(std::function<void()> handler) { on_resumed_ = std::move(handler); }
    // The owner calls a method over the control socket; the handler answers, once, at once or soon.
    // The answer's id is set for it.
    using OwnerAnswer = std::function<void(hardshell::proto::OwnerResult)>;
    using OwnerHandler =
        std::function<void(const hardshell::proto::OwnerRequest&, OwnerAnswer answer)>;
    void on_owner_request(OwnerHandler handler) { on_owner_request_ = std::move(handler); }
    // The state of every worker, settings().degraded() and the volume, now and after each change.
    const std::vector<Status>& workers() const { return workers_; }
    const hardshell::proto::VolumeState& volume() const { return volume_; }
    void on_workers_changed(std::function<void()> handler) { on_workers_ = std::move(handler); }
    // settings().exec_approvals_json() has changed.
    void on_exec_approvals(std::function<void()> handler) {
        on_exec_approvals_ = std::move(handler);
    }
    // About the configuration, for a kind that may; the answer comes to the handler.
    Done ask_config(const hardshell::proto::ConfigCall& call);
    void on_config_answer(std::function<void(const hardshell::proto::ConfigAnswer&)> handler) {
        on_config_ = std::move(handler);
    }
    // About the log of all workers, likewise.
    Done ask_log(const hardshell::proto::LogQuery& query);
    void on_log_answer(std::function<void(const hardshell::proto::LogAnswer&)> handler) {
        on_log_ = std::move(handler);
    }
    // A wish about the whole or about a worker, likewise.
    Done ask_supervisor(const hardshell::proto::SupervisorCall& call);
    void on_supervisor_answer(
        std::function<void(const hardshell::proto::SupervisorAnswer&)> handler) {
        on_supervisor_ = std::move(handler);
    }
    // The last word of a worker that cannot work.
    void fail(const Error& error);

  private:
    void on_frame(std::string_view frame);
    void follow_peers();
    void shed(const hardshell::proto::Shed& asked);
    void answer_owner(const hardshell::proto::OwnerRequest& request);
    void beat();

    std::unique_ptr<Loop> loop_;
    hardshell::proto::Start start_;
    BoardPage page_;
    std::vector<std::pair<std::string, Secret>> secrets_;
    std::vector<Status> workers_;
    hardshell::proto::VolumeState volume_;
    std::unique_ptr<FrameStream> supervisor_;
    std::vector<Link*> links_;
    std::function<void(const hardshell::proto::Stop&)> on_stop_;
    std::function<void()> on_shed_;
    std::function<void()> on_resumed_;
    SleepWatch sleep_;
    IdleWatch idle_;
    std::function<void()> on_workers_;
    std::function<void()> on_exec_approvals_;
    std::function<void()> on_public_url_;
    OwnerHandler on_owner_request_;
    std::function<void(const hardshell::proto::ConfigAnswer&)> on_config_;
    std::function<void(const hardshell::proto::LogAnswer&)> on_log_;
    std::function<void(const hardshell::proto::SupervisorAnswer&)> on_supervisor_;
    Loop::Registration heartbeat_;
};

// The body of every worker's main(). `run` wires the worker, calls ready() and returns
// worker.loop().run()'s outcome as Done.
int run_worker(std::unique_ptr<Loop> loop, Done (*run)(Worker&));

// Descriptor of the supervisor's socket in every worker.
inline constexpr int supervisor_descriptor = 3;
// How often a worker's loop stamps its page.
inline constexpr std::chrono::milliseconds heartbeat_period{1000};
