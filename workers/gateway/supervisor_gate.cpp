#include "workers/gateway/supervisor_gate.h"

namespace gateway {

void SupervisorGate::ask(const std::string& verb, const std::string& worker, Answer answer) {
    if (open_.size() >= most_open)
        return answer(Error{Fault::busy, "too many requests to the supervisor are open"});
    SupervisorCall call;
    call.set_id(next_id_++);
    call.set_verb(verb);
    call.set_worker(worker);
    if (const Done sent = send_(call); !sent) return answer(sent.error());
    Open& open = open_[call.id()];
    open.answer = std::move(answer);
    open.deadline = loop_.after(longest_wait, [this, id = call.id()] {
        finish(id, Error{Fault::timed_out, "the supervisor did not answer in time; try again"});
    });
}

void SupervisorGate::take(const SupervisorAnswer& answer) {
    if (answer.error().empty()) return finish(answer.id(), answer);
    finish(answer.id(), Error{Fault::bad_message, answer.error()});
}

void SupervisorGate::finish(uint64_t id, const Result<SupervisorAnswer>& answer) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;  // given up
    const Answer hand_on = std::move(found->second.answer);
    open_.erase(found);
    hand_on(answer);
}

}  // namespace gateway
