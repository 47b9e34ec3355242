// One worker of the plan through all its lives: spawns it, talks to it, notices that it is ready,
// hung or gone, and decides by the restart policy what comes next.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "supervisor/log_pump.h"
#include "supervisor/reap.h"
#include "supervisor/restart_policy.h"
#include "supervisor/roster.h"
#include "supervisor/worker_state.h"
#include "workers/common/base/board_page.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/loop.h"

namespace supervisor {

class WorkerProcess {
  public:
    // What the supervisor knows and a start needs.
    struct Surroundings {
        std::string libexec;
        int state_dir = -1;
        std::vector<std::string> base_environment;
        std::optional<unsigned> user;
        std::string log_level;
        // Asked at each start: these change from life to life.
        std::function<std::vector<hardshell::proto::LinkEnd>()> links;
        std::function<std::vector<hardshell::proto::WorkerStatus>()> visible_workers;
        // Descriptors to hand over by name, owned by the supervisor.
        std::function<std::vector<std::pair<std::string, int>>()> handles;
        // False while something it needs (its listener) is missing.
        std::function<bool()> may_start;
    };

    WorkerProcess(Loop& loop, LogPump& log, const KindOfWorker& kind,
                  hardshell::proto::WorkerPlan plan, Surroundings surroundings, Fd page);
    ~WorkerProcess();

    // Called after every change of state, and by the policy with a critical worker that cannot be
    // kept up.
    void on_change(std::function<void()> handler) { on_change_ = std::move(handler); }
    void on_escalate(std::function<void(const std::string&)> handler) {
        on_escalate_ = std::move(handler);
    }

    // Starts it unless it runs; lifts a hold.
    void start();
    // Asks it to end within the budget, then kills. `replace`: starts the successor at once.
    void stop(std::chrono::milliseconds budget, const std::string& reason, bool replace);
    void kill_now();
    // Another plan for the same worker; takes effect at the next start.
    void set_plan(hardshell::proto::WorkerPlan plan) { plan_ = std::move(plan); }
    void tell_workers(const std::vector<hardshell::proto::WorkerStatus>& workers,
                      const std::string& degraded);
    // Its process has ended and is not yet collected: collects it and decides what comes next.
    void ended();
    // Every two seconds, if the supervisor itself was on time.
    void check_heartbeat();
    // Nothing is started again from now on.
    void shut_down() { shutting_down_ = true; }

    const std::string& name() const { return plan_.name(); }
    const KindOfWorker& kind() const { return kind_; }
    const hardshell::proto::WorkerPlan& plan() const { return plan_; }
    WorkerState state() const { return state_; }
    pid_t pid() const { return pid_; }
    hardshell::proto::WorkerStatus status() const;
    int page() const { return page_file_.get(); }

  private:
    void move_to(WorkerState next);
    Done launch();
    Result<Fd> confine() const;
    hardshell::proto::ToWorker start_message(
        const std::vector<std::pair<std::string, int>>& handles);
    void on_frame(std::string_view frame);
    void became_ready(const std::string& summary);
    Ended classify(const ProcessEnd& end) const;
    std::string describe_end(const ProcessEnd& end, Ended how) const;
    void decide(Ended how);
    void schedule(std::chrono::milliseconds wait);
    void signal_group(int number);

    Loop& loop_;
    LogPump& log_;
    const KindOfWorker& kind_;
    hardshell::proto::WorkerPlan plan_;
    Surroundings surroundings_;
    Fd page_file_;
    BoardPage page_;

    WorkerState state_ = WorkerState::stopped;
    pid_t pid_ = 0;
    Fd pidfd_;
    std::unique_ptr<FrameStream> link_;
    uint64_t incarnation_ = 0;
    uint32_t restarts_ = 0;
    int failures_ = 0;
    bool was_ready_ = false;
    bool stop_requested_ = false;
    bool replace_ = false;
    bool shutting_down_ = false;
    std::optional<Ended> forced_end_;  // why we ended it ourselves
    std::string declared_fault_;
    std::string declared_what_;
    std::string last_end_;
    int64_t started_ms_ = 0;  // monotonic
    int64_t started_wall_ms_ = 0;
    int64_t ready_ms_ = 0;  // monotonic
    int64_t next_start_wall_ms_ = 0;
    int missed_beats_ = 0;
    uint64_t kills_at_start_ = 0;  // by the kernel, for memory
    Loop::Registration timer_;     // start deadline, stop budget or next start
    Loop::Registration kill_timer_;
    std::function<void()> on_change_;
    std::function<void(const std::string&)> on_escalate_;
};

}  // namespace supervisor
