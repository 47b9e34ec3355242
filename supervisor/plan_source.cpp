#include "supervisor/plan_source.h"

#include <utility>

#include "supervisor/restart_policy.h"

namespace supervisor {

using hardshell::proto::PlanReply;

PlanSource::PlanSource(Loop& loop, LogPump& log, PlannerClient::Setting setting,
                       MakeRequest make_request, TakePlan take_plan)
    : loop_(loop),
      log_(log),
      make_request_(std::move(make_request)),
      take_plan_(std::move(take_plan)),
      planner_(loop, log, std::move(setting)) {}

void PlanSource::ask() {
    if (stopped_) return;
    if (planner_.is_busy() || planner_.pid() > 0) {
        wanted_again_ = true;
        return;
    }
    planner_.ask(make_request_(), [this](Result<PlanReply> reply) { on_reply(std::move(reply)); });
}

void PlanSource::ended() {
    planner_.ended();
    go_on();
}

void PlanSource::go_on() {
    if (stopped_ || planner_.is_busy() || planner_.pid() > 0) return;
    if (std::exchange(wanted_again_, false)) return ask();
    if (on_free_) on_free_();
}

void PlanSource::stop() {
    stopped_ = true;
    retry_.reset();
}

void PlanSource::on_reply(Result<PlanReply> reply) {
    if (stopped_) return;
    loop_.soon([this] { go_on(); });  // one that could not be started is not collected
    // A newer one follows. Whoever asks all the time must not keep every plan out, though.
    if (reply && wanted_again_ && has_plan_ && !std::exchange(passed_over_, true)) return;
    passed_over_ = false;
    if (reply && reply->has_plan()) {
        failures_ = 0;
        return take_plan_(std::move(*reply->mutable_plan()));
    }
    const std::string why = reply ? reply->refused() : reply.error().what;
    log_.say("error", has_plan_ ? why + "; the plan in force stays" : why);
    if (has_plan_) return;
    // Without a first plan there is nothing to serve: tried again, never given up.
    retry_ = loop_.after(after(Ended::crashed, ++failures_, false, 0.5).wait, [this] { ask(); });
}

}  // namespace supervisor
