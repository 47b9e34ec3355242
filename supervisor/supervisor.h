// Owns the parts and turns events into calls: signals, ended children, plans, requests of the
// command line. Decides nothing that a table can decide. Reads no file that a user writes.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "proto/control.pb.h"
#include "proto/plan.pb.h"
#include "supervisor/config_desk.h"
#include "supervisor/config_watch.h"
#include "supervisor/control_socket.h"
#include "supervisor/layers.h"
#include "supervisor/log_pump.h"
#include "supervisor/memory_guard.h"
#include "supervisor/own_time.h"
#include "supervisor/owned_state.h"
#include "supervisor/owner_calls.h"
#include "supervisor/plan_review.h"
#include "supervisor/plan_source.h"
#include "supervisor/public_address.h"
#include "supervisor/shutdown.h"
#include "supervisor/signals.h"
#include "supervisor/state_space.h"
#include "supervisor/wiring.h"
#include "supervisor/worker_process.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace supervisor {

class Supervisor {
  public:
    struct Options {
        std::string state_dir;
        std::string config_path;
        std::string run_dir;
        std::string libexec;
        std::vector<std::string> gateway_arguments;
        std::vector<std::string> environment;  // "NAME=value", all of ours
        std::chrono::milliseconds stop_budget{9'000};
        std::string log_level = "info";
    };

    Supervisor(Loop& loop, LogPump& log, Options options);
    ~Supervisor();

    // Takes the lock, makes the directories and asks for the first plan. An error ends the
    // program: another supervisor owns the directory, or there is nowhere to keep state.
    Done begin();

    // For the verbs.
    hardshell::proto::StatusReport report() const;
    LogPump& log() { return log_; }
    bool has_log_of(const std::string& worker) const;
    Done check_worker(const std::string& name) const;
    Done restart_worker(const std::string& name);
    Done start_worker(const std::string& name);
    Done stop_worker(const std::string& name);
    void stop_all(const std::string& why);
    Done reload();
    // A method of the gateway, called by the owner.
    void call_gateway(const std::string& method, const std::string& params_json,
                      ControlClient& client);
    // `answer` comes once, now or later.
    void configure(hardshell::proto::ConfigCall call, ConfigDesk::Answer answer);

  private:
    void on_signal(int number);
    void collect_children();
    void watch_config();
    // Puts in force what was written, once `answer` has it.
    ConfigDesk::Answer with_effect(ConfigDesk::Answer answer);
    void take_config_call(const WorkerProcess& worker, const hardshell::proto::ConfigCall& call);
    void take_worker_call(WorkerProcess& worker, const hardshell::proto::SupervisorCall& call);
    WorkerProcess* find(const std::string& name) const;
    Result<WorkerProcess*> find_or_say(const std::string& name) const;
    void add_worker(const KindOfWorker& kind, const hardshell::proto::WorkerPlan& plan);
    std::vector<hardshell::proto::WorkerStatus> visible_to(const WorkerProcess& worker) const;
    std::vector<std::pair<std::string, int>> handles_of(const WorkerProcess& worker);
    std::optional<unsigned> user_for(std::string_view kind) const;
    void announce_changes();
    void on_tick();
    void say_door() const;
    void mend_door();
    void say_missing_layers() const;
    LayerFacts layer_facts() const;
    void critical_failed(const std::string& name, int failures, const std::string& why);
    void restart_neighbours(const std::string& name);
    void finish();

    // How it asks for a plan and follows it: plan_following.cpp.
    hardshell::proto::PlanRequest plan_request();
    void apply(hardshell::proto::Plan plan);
    PlanReview look_at(const hardshell::proto::Plan& next);
    void stay(const std::string& degraded);
    void prepare_workspaces();
    void replace_all();
    Done share_memory(hardshell::proto::Plan& plan);
    void refuse_memory(const Error& why);
    void say_notices(const hardshell::proto::Plan& plan);
    void mask_secrets_of(const hardshell::proto::Plan& plan);
    void apply_settings_of(const hardshell::proto::Plan& plan);
    void reconcile(const hardshell::proto::Plan& previous);
    bool is_news(WorkerProcess& worker, const hardshell::proto::WorkerPlan& wanted) const;

    Loop& loop_;
    LogPump& log_;
    Options options_;
    OwnedState state_;
    Signals signals_;
    std::unique_ptr<PlanSource> plans_;
    OwnerCalls owner_calls_;
    std::unique_ptr<ConfigDesk> desk_;
    std::unique_ptr<ConfigWatch> watch_;
    ReloadCause cause_ = ReloadCause::noticed;  // of the plan that is asked for
    std::string waiting_change_;                // of the file, not followed; empty: none
    std::string refused_memory_;                // why a plan was not followed; empty: it was
    std::unique_ptr<ControlSocket> control_;    // its clients wait in owner_calls_ and desk_
    hardshell::proto::Plan plan_;
    std::vector<std::string> secrets_;  // of all plans, the newest last
    std::set<std::string> workspaces_;  // made ready in this life, by path
    std::vector<std::unique_ptr<WorkerProcess>> workers_;
    Wiring wiring_;
    PublicAddress public_address_;
    MemoryGuard memory_;
    StateSpace space_;
    std::vector<Fd> readable_pages_;
    bool announcing_ = false;
    int64_t started_ms_ = 0;  // monotonic
    int64_t started_wall_ms_ = 0;
    OwnTime own_time_;

    Shutdown shutdown_;
    int exit_code_ = 0;

    std::vector<Loop::Registration> registrations_;
    Loop::Registration retry_workers_;
    std::set<std::string> without_room_;  // workers of which this has been said
};

}  // namespace supervisor
