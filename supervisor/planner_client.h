// Runs the planner and takes its answer. The supervisor itself reads no configuration: what could
// break on a file breaks in a process that lives for milliseconds.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "supervisor/cgroup.h"
#include "supervisor/log_pump.h"
#include "supervisor/spawn.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/loop.h"

namespace supervisor {

class PlannerClient {
  public:
    struct Setting {
        std::string program;
        int directory = -1;  // the state directory
        std::optional<unsigned> user;
        std::vector<std::string> environment;  // all of ours: the planner looks variables up
        std::unique_ptr<Cgroup> group;         // null where there are none
    };
    using Answer = std::function<void(Result<hardshell::proto::PlanReply>)>;

    PlannerClient(Loop& loop, LogPump& log, Setting setting);

    // One planner at a time; `answer` comes on the loop, within 10 s, exactly once.
    void ask(const hardshell::proto::PlanRequest& request, Answer answer);
    bool is_busy() const { return static_cast<bool>(answer_); }
    // The pid of the planner under way, so that the reaper knows it; 0 when there is none.
    pid_t pid() const { return pid_; }
    void ended();
    void set_budget(const MemoryBudget& budget, int most_tasks);

  private:
    void finish(Result<hardshell::proto::PlanReply> reply);

    Loop& loop_;
    LogPump& log_;
    Setting setting_;
    pid_t pid_ = 0;
    Answer answer_;
    std::unique_ptr<FrameStream> stream_;
    Loop::Registration deadline_;
};

}  // namespace supervisor
