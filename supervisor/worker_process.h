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
#include "supervisor/worker_history.h"
#include "supervisor/worker_memory.h"
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
        std::function<std::vector<hardshell::proto::StreamEnd>()> streams;
        // Nothing for those who are not told.
        std::function<std::optional<hardshell::proto::PublicUrl>()> public_url;
        std::function<std::vector<hardshell::proto::WorkerStatus>()> visible_workers;
        // Descriptors to hand over by name, owned by the supervisor.
        std::function<std::vector<std::pair<std::string, int>>()> handles;
        // False while something it needs (its listener) is missing.
        std::function<bool()> may_start;
        // Null where the machine has no control groups.
        std::unique_ptr<Cgroup> group;
        bool kernel_limits_memory = false;
    };

    WorkerProcess(Loop& loop, LogPump& log, const KindOfWorker& kind,
                  hardshell::proto::WorkerPlan plan, Surroundings surroundings, Fd page_file,
                  BoardPage page);
    ~WorkerProcess();

    // Called after every change of state, and after each failure of a critical worker.
    void on_change(std::function<void()> handler) { on_change_ = std::move(handler); }
    // `failures`: how often in a row, see restart_policy.h.
    void on_failing(std::function<void(int failures, const std::string& why)> handler) {
        on_failing_ = std::move(handler);
    }

    // Answers to what was asked with ask_as_owner().
    void on_owner_result(std::function<void(const hardshell::proto::OwnerResult&)> handler) {
        on_owner_result_ = std::move(handler);
    }
    // It asks about the configuration what its kind may ask; otherwise it is ended.
    void on_config_call(std::function<void(const hardshell::proto::ConfigCall&)> handler) {
        on_config_call_ = std::move(handler);
    }
    void tell_config(const hardshell::proto::ConfigAnswer& answer);
    // It asks about the log; only of a kind that may.
    using LogReader = std::function<hardshell::proto::LogAnswer(const hardshell::proto::LogQuery&)>;
    void on_log_query(LogReader reader) { read_log_ = std::move(reader); }
    // It has a wish about the whole or about a worker; only of a kind that may.
    void on_supervisor_call(std::function<void(const hardshell::proto::SupervisorCall&)> handler) {
        on_supervisor_call_ = std::move(handler);
    }
    void tell_supervisor_answer(const hardshell::proto::SupervisorAnswer& answer);
    // It says under which address the internet reaches this machine; only of a kind that may.
    void on_public_url(std::function<void(const hardshell::proto::PublicUrl&)> handler) {
        on_public_url_ = std::move(handler);
    }
    void tell_public_url(const hardshell::proto::PublicUrl& url);

    // Starts it unless it runs; lifts a hold.
    void start();
    // Asks it to end within the budget, then kills. `replace`: starts the successor at once.
    void stop(std::chrono::milliseconds budget, const std::string& reason, bool replace);
    // Stays down until its owner starts it again, whatever becomes of its configuration.
    void stop_for_owner(std::chrono::milliseconds budget);
    // Asks it to end and starts its successor, unless its owner has stopped it.
    void replace(std::chrono::milliseconds budget);
    // Its owner takes it in hand: former failures count no more.
    void forgive() { failures_ = 0; }
    bool is_stopped_by_owner() const { return is_stopped_by_owner_; }
    void kill_now();
    // Another plan for the same worker; takes effect at the next start. If it does not become ready
    // with it, it gets the one before back.
    void set_plan(hardshell::proto::WorkerPlan plan);
    // Which commands may run, from now on; is told to it where that is news.
    void set_exec_approvals(const std::string& approvals_json);
    // The plan from which it went back to the one before; null when plan() is the newest.
    const hardshell::proto::WorkerPlan* refused_plan() const {
        return refused_plan_ ? &*refused_plan_ : nullptr;
    }
    // The newest plan is the one with which it runs.
    void forget_refused_plan() { refused_plan_.reset(); }
    void set_budget(const MemoryBudget& budget) { memory_.set_budget(budget); }
    void tell_workers(const std::vector<hardshell::proto::WorkerStatus>& workers,
                      const std::string& degraded, const hardshell::proto::VolumeState& volume);
    // `busy` while it does not serve.
    Done ask_as_owner(const hardshell::proto::OwnerRequest& request);
    // Its process has ended and is not yet collected: collects it and decides what comes next.
    void ended();
    // Every two seconds, if the supervisor itself was on time.
    void check_heartbeat();
    // Every second: sheds, is replaced or killed as its budget wants it.
    void check_memory();
    // It is stopped in order and started again, because of its memory.
    void drain(const std::string& why);
    // Share of its soft limit that it uses; 0 when it does not run.
    double fill() const;
    // Nothing is started again from now on. `deadline_ms`: on the monotonic clock, when everything
    // should have ended.
    void shut_down(int64_t deadline_ms);

    const std::string& name() const { return plan_.name(); }
    const KindOfWorker& kind() const { return kind_; }
    const hardshell::proto::WorkerPlan& plan() const { return plan_; }
    WorkerState state() const { return state_; }
    pid_t pid() const { return pid_; }
    // It was killed and does not end: a process that waits in the kernel.
    bool is_stuck() const { return is_stuck_; }
    // Of this life; 0 before the first.
    uint64_t incarnation() const { return incarnation_; }
    const std::string& last_end() const { return history_.last_end(); }
    // Looks at its memory and its descriptors.
    hardshell::proto::WorkerStatus status() const;
    int page() const { return page_file_.get(); }

  private:
    void move_to(WorkerState next);
    Done launch();
    void on_frame(std::string_view frame);
    void tell_log(hardshell::proto::LogAnswer answer);
    void take_config_call(const hardshell::proto::ConfigCall& call);
    void became_ready(const std::string& summary);
    void link_closed(const std::string& why);
    void break_off(const std::string& what);
    void ask_to_end(std::chrono::milliseconds budget, const std::string& reason, bool replace);
    void kill_group();
    ProcessEnd collect_all_of_it();
    void count_failure(Ended how);
    void tell_lost_child();
    void bury(Ended how, const std::string& text);
    bool roll_back(Ended how);
    void decide(Ended how);
    void schedule(std::chrono::milliseconds wait);
    void signal_group(int number);
    std::vector<std::string> last_lines() const;

    Loop& loop_;
    LogPump& log_;
    const KindOfWorker& kind_;
    hardshell::proto::WorkerPlan plan_;
    // With which it was ready before plan_ came; gone once it is ready with plan_.
    std::optional<hardshell::proto::WorkerPlan> proven_plan_;
    std::optional<hardshell::proto::WorkerPlan> refused_plan_;
    Surroundings surroundings_;
    Fd page_file_;
    BoardPage page_;
    WorkerMemory memory_;

    WorkerState state_ = WorkerState::stopped;
    pid_t pid_ = 0;
    Fd pidfd_;
    std::unique_ptr<FrameStream> link_;
    uint64_t incarnation_ = 0;
    int failures_ = 0;
    bool was_ready_ = false;
    bool stop_requested_ = false;
    bool replace_ = false;
    bool is_stopped_by_owner_ = false;
    bool shutting_down_ = false;
    int64_t shut_down_by_ms_ = 0;      // monotonic
    int64_t stop_by_ms_ = 0;           // monotonic
    std::optional<Ended> forced_end_;  // why we ended it ourselves
    std::string declared_what_;
    WorkerHistory history_;
    uint64_t first_line_ = 0;  // of this life, in the log
    bool is_stuck_ = false;
    int64_t started_ms_ = 0;  // monotonic
    int64_t started_wall_ms_ = 0;
    int64_t ready_ms_ = 0;  // monotonic
    int64_t next_start_wall_ms_ = 0;
    int missed_beats_ = 0;
    Loop::Registration timer_;  // start deadline, stop budget or next start
    Loop::Registration kill_timer_;
    Loop::Registration stuck_timer_;
    std::function<void()> on_change_;
    std::function<void(const hardshell::proto::ConfigCall&)> on_config_call_;
    LogReader read_log_;
    std::function<void(const hardshell::proto::SupervisorCall&)> on_supervisor_call_;
    std::function<void(const hardshell::proto::PublicUrl&)> on_public_url_;
    std::function<void(int, const std::string&)> on_failing_;
    std::function<void(const hardshell::proto::OwnerResult&)> on_owner_result_;
};

}  // namespace supervisor
