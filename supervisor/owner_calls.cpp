#include "supervisor/owner_calls.h"

#include <utility>

namespace supervisor {

using hardshell::proto::ControlReply;
using hardshell::proto::OwnerRequest;
using hardshell::proto::OwnerResult;

void OwnerCalls::ask(ControlClient& caller, const std::string& method,
                     const std::string& params_json, const Send& send) {
    OwnerRequest request;
    request.set_id(next_id_++);
    request.set_method(method);
    request.set_params_json(params_json);
    if (const Done sent = send(request); !sent) return caller.refuse(sent.error().what);
    const uint64_t id = request.id();
    Caller& waits = callers_[id];
    waits.client = &caller;
    waits.deadline = loop_.after(
        patience_, [this, id] { refuse(id, "the gateway worker does not answer; see its log"); });
    // A command line that hangs up takes its question with it.
    caller.feed = Loop::Registration([this, id] { callers_.erase(id); });
}

void OwnerCalls::answered(const OwnerResult& result) {
    const auto found = callers_.find(result.id());
    if (found == callers_.end()) return;
    ControlReply reply;
    reply.set_last(true);
    reply.set_payload_json(result.payload_json());
    reply.set_error(result.error());
    ControlClient& client = *found->second.client;
    client.reply(reply);
    client.feed.reset();
}

void OwnerCalls::refuse(uint64_t id, const std::string& why) {
    const auto found = callers_.find(id);
    if (found == callers_.end()) return;
    ControlClient& client = *found->second.client;
    client.refuse(why);
    client.feed.reset();
}

void OwnerCalls::worker_ended(const std::string& why) {
    while (!callers_.empty()) refuse(callers_.begin()->first, why);
}

}  // namespace supervisor
