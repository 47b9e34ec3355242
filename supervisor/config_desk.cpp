#include "supervisor/config_desk.h"

namespace supervisor {

namespace {

using hardshell::proto::ConfigAnswer;
using hardshell::proto::PlanReply;

ConfigAnswer unavailable(uint64_t id, const std::string& why) {
    ConfigAnswer answer;
    answer.set_id(id);
    answer.set_error_code("UNAVAILABLE");
    answer.set_error_message(why);
    return answer;
}

ConfigAnswer answer_in(Result<PlanReply> reply, uint64_t id) {
    if (!reply) return unavailable(id, reply.error().what);
    if (!reply->has_config()) return unavailable(id, "the planner answered something else");
    ConfigAnswer answer = std::move(*reply->mutable_config());
    answer.set_id(id);
    return answer;
}

}  // namespace

void ConfigDesk::take(ConfigCall call, Answer answer) {
    if (waiting_.size() >= most_waiting)
        return answer(unavailable(call.id(), "too many requests about the configuration wait"));
    waiting_.push_back({std::move(call), std::move(answer)});
    go_on();
}

void ConfigDesk::go_on() {
    if (waiting_.empty() || planner_.is_busy() || planner_.pid() > 0) return;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    hardshell::proto::PlanRequest request = prepare_();
    const uint64_t id = next.call.id();
    *request.mutable_config() = std::move(next.call);
    planner_.ask(request, [id, answer = std::move(next.answer)](Result<PlanReply> reply) {
        answer(answer_in(std::move(reply), id));
    });
}

}  // namespace supervisor
