#include "workers/agent/channels/worker_calls.h"

#include <vector>

namespace agent {

void WorkerCalls::ask(const std::string& worker, const std::string& method, const Json& params,
                      bool by_model, Reply reply) {
    if (open_.size() >= most_open)
        return reply(Error{Fault::busy, "too many requests wait for " + worker});
    hardshell::proto::AgentToChannel message;
    auto& call = *message.mutable_call();
    call.set_id(++last_);
    call.set_method(method);
    call.set_params_json(print_json(params));
    call.set_by_model(by_model);
    if (const Done done = send_(worker, message); !done) return reply(done.error());
    open_[last_] = {worker, std::move(reply)};
}

void WorkerCalls::answered(const std::string& worker,
                           const hardshell::proto::WorkerAnswer& answer) {
    const auto found = open_.find(answer.id());
    if (found == open_.end() || found->second.worker != worker) return;
    const Reply reply = std::move(found->second.reply);
    open_.erase(found);
    if (!answer.error().empty())
        return reply(Error{fault_from_name(answer.fault()), answer.error()});
    reply(parse_json(answer.payload_json()));
}

void WorkerCalls::forget(const std::string& worker) {
    std::vector<Reply> replies;
    std::erase_if(open_, [&](auto& entry) {
        if (entry.second.worker != worker) return false;
        replies.push_back(std::move(entry.second.reply));
        return true;
    });
    for (const Reply& reply : replies)
        reply(Error{Fault::unreachable, worker + " ended before it answered"});
}

}  // namespace agent
