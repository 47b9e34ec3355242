// Where plans come from: one planner at a time, asked again when there was a reason meanwhile, and
// until there is a first plan.
#pragma once

#include <functional>

#include "supervisor/planner_client.h"

namespace supervisor {

class PlanSource {
  public:
    using MakeRequest = std::function<hardshell::proto::PlanRequest()>;
    using TakePlan = std::function<void(hardshell::proto::Plan)>;

    PlanSource(Loop& loop, LogPump& log, PlannerClient::Setting setting, MakeRequest make_request,
               TakePlan take_plan);

    void ask();
    // What else there is to ask a planner: called whenever none is under way and no plan is wanted.
    void on_free(std::function<void()> handler) { on_free_ = std::move(handler); }
    PlannerClient& planner() { return planner_; }
    // Asks for what is wanted, if a planner can be asked now.
    void go_on();
    // The last plan given is in force.
    void accepted() { has_plan_ = true; }
    bool has_plan() const { return has_plan_; }
    // No more plans.
    void stop();

    pid_t pid() const { return planner_.pid(); }
    // The planner has ended and is collected.
    void ended();
    void set_budget(const MemoryBudget& budget, int most_tasks) {
        planner_.set_budget(budget, most_tasks);
    }

  private:
    void on_reply(Result<hardshell::proto::PlanReply> reply);

    Loop& loop_;
    LogPump& log_;
    MakeRequest make_request_;
    TakePlan take_plan_;
    PlannerClient planner_;
    bool has_plan_ = false;
    bool wanted_again_ = false;
    bool passed_over_ = false;
    bool stopped_ = false;
    int failures_ = 0;
    Loop::Registration retry_;
    std::function<void()> on_free_;
};

}  // namespace supervisor
