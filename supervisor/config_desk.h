// Hands questions about the configuration, and changes of it, to planners one after another, and
// hands back what they answer. Reads neither: what could break on them breaks in a planner. That
// only one is under way at a time is what keeps two writers from meeting.
#pragma once

#include <deque>
#include <functional>

#include "proto/plan.pb.h"
#include "supervisor/planner_client.h"

namespace supervisor {

class ConfigDesk {
  public:
    using ConfigCall = hardshell::proto::ConfigCall;
    using ConfigAnswer = hardshell::proto::ConfigAnswer;
    using Answer = std::function<void(const ConfigAnswer&)>;

    static constexpr size_t most_waiting = 64;

    // `prepare` makes the request that every planner is asked with.
    ConfigDesk(PlannerClient& planner, std::function<hardshell::proto::PlanRequest()> prepare)
        : planner_(planner), prepare_(std::move(prepare)) {}

    // `answer` comes exactly once, now or later.
    void take(ConfigCall call, Answer answer);
    // Asks a planner if something waits; only while none is under way.
    void go_on();

  private:
    struct Waiting {
        ConfigCall call;
        Answer answer;
    };

    PlannerClient& planner_;
    std::function<hardshell::proto::PlanRequest()> prepare_;
    std::deque<Waiting> waiting_;
};

}  // namespace supervisor
