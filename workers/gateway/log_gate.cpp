#include "workers/gateway/log_gate.h"

namespace gateway {

void LogGate::ask(LogQuery query, Answer answer) {
    if (open_.size() >= most_open)
        return answer(Error{Fault::busy, "too many requests about the log are open"});
    query.set_id(next_id_++);
    if (const Done sent = send_(query); !sent) return answer(sent.error());
    Open& open = open_[query.id()];
    open.answer = std::move(answer);
    open.deadline = loop_.after(longest_wait, [this, id = query.id()] {
        finish(id, Error{Fault::timed_out, "the supervisor did not answer in time; try again"});
    });
}

void LogGate::take(const LogAnswer& answer) {
    finish(answer.id(), answer);
}

void LogGate::finish(uint64_t id, const Result<LogAnswer>& answer) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;  // given up
    const Answer hand_on = std::move(found->second.answer);
    open_.erase(found);
    hand_on(answer);
}

}  // namespace gateway
