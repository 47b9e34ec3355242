#include "workers/gateway/agent_gate.h"

#include <google/protobuf/message_lite.h>

#include "workers/common/log.h"

using hardshell::proto::AgentToGateway;
using hardshell::proto::GatewayToAgent;

namespace gateway {

namespace {

AgentGate::RpcResult unavailable_result(const std::string& why) {
    AgentGate::RpcResult result;
    result.set_error_code(std::string(code::unavailable));
    result.set_error_message(why);
    return result;
}

bool may_serve_later(WorkerState::State state) {
    return state != WorkerState::HELD && state != WorkerState::STOPPED;
}

std::string held_text(const WorkerState& agent) {
    std::string text = "the agent is " + std::string(state_name(agent.state()));
    if (agent.state() != WorkerState::STOPPED && !agent.last_end().empty())
        text += ": " + agent.last_end();
    return text;
}

}  // namespace

void AgentGate::ask(Question question, Answer answer) {
    if (serving_) return put(std::move(question), std::move(answer));
    if (!hopeless_.empty()) return answer(unavailable_result(hopeless_));
    if (question.waits_for_life) return hold(std::move(question), std::move(answer));
    answer(unavailable_result("the agent is not running"));
}

void AgentGate::put(Question question, Answer answer) {
    const uint64_t id = next_id_++;
    GatewayToAgent message;
    hardshell::proto::Rpc& rpc = *message.mutable_rpc();
    rpc.set_id(id);
    rpc.set_method(std::move(question.method));
    rpc.set_params_json(std::move(question.params_json));
    *rpc.mutable_caller() = std::move(question.caller);
    if (const Done sent = channel_.send(message); !sent)
        return answer(unavailable_result(sent.error().what));
    Asked& asked = asked_[id];
    asked.answer = std::move(answer);
    if (question.deadline.count() > 0)
        asked.deadline = loop_.after(
            question.deadline, [this, id] { give_up(id, "the agent did not answer in time"); });
}

void AgentGate::hold(Question question, Answer answer) {
    const size_t bytes = question.params_json.size();
    if (held_.size() >= most_held || held_bytes_ + bytes > most_held_bytes)
        return answer(unavailable_result("too many requests wait for the agent to start"));
    held_bytes_ += bytes;
    held_.push_back({std::move(question), std::move(answer), {}});
    const auto place = std::prev(held_.end());
    place->deadline = loop_.after(longest_wait_for_life, [this, place] {
        const Answer late = std::move(place->answer);
        held_bytes_ -= place->question.params_json.size();
        held_.erase(place);
        late(unavailable_result("the agent did not start in time; try again"));
    });
}

void AgentGate::release_held() {
    // Sent one by one: an answer may ask again.
    while (serving_ && !held_.empty()) {
        Held held = std::move(held_.front());
        held_.pop_front();
        held_bytes_ -= held.question.params_json.size();
        put(std::move(held.question), std::move(held.answer));
    }
}

void AgentGate::refuse_held(const std::string& why) {
    std::list<Held> refused;
    refused.swap(held_);
    held_bytes_ = 0;
    for (Held& held : refused) held.answer(unavailable_result(why));
}

void AgentGate::give_up(uint64_t id, const std::string& why) {
    const auto found = asked_.find(id);
    if (found == asked_.end()) return;
    const Answer answer = std::move(found->second.answer);
    asked_.erase(found);
    answer(unavailable_result(why));
}

void AgentGate::take(std::string_view text) {
    AgentToGateway message;
    if (!message.ParseFromArray(text.data(), static_cast<int>(text.size()))) return;
    if (alive_ && !heard_) {
        heard_ = true;
        serve_if_possible();
    }
    if (message.has_rpc_result()) {
        take_result(message.rpc_result());
    } else if (message.has_event()) {
        const auto& event = message.event();
        runs_.saw(event.run_id(), event.session_key(), event.run_sequence());
        if (on_event_) on_event_(event);
    } else if (message.has_run_ended()) {
        runs_.ended(message.run_ended().run_id());
    } else if (message.has_channels() && on_channels_) {
        on_channels_(message.channels().channels_json());
    } else if (message.has_ask_approval() && on_approval_) {
        on_approval_(message.ask_approval().id(), message.ask_approval().params_json());
    } else if (message.has_resolve_approval() && on_resolved_) {
        const auto& resolved = message.resolve_approval();
        on_resolved_(resolved.approval_id(), resolved.decision(), resolved.resolved_by());
    } else if (message.has_state_changed() && on_outdated_) {
        on_outdated_();
    }
}

void AgentGate::decide_approval(uint64_t life, uint64_t id, const std::string& decision) {
    if (life != incarnation_ || !alive_) return;
    GatewayToAgent message;
    message.mutable_approval_decided()->set_id(id);
    message.mutable_approval_decided()->set_decision(decision);
    if (const Done sent = channel_.send(message); !sent)
        log_warn("a decision on a command did not reach the agent: {}", sent.error().what);
}

void AgentGate::take_result(const RpcResult& result) {
    const auto found = asked_.find(result.id());
    if (found == asked_.end()) return;  // given up, or from an earlier life
    if (result.more()) {
        const Answer answer = found->second.answer;  // a copy: it may ask again
        return answer(result);
    }
    const Answer answer = std::move(found->second.answer);
    asked_.erase(found);
    answer(result);
}

void AgentGate::workers_changed(const WorkerStates& workers) {
    const WorkerState* agent = find_worker(workers, "agent");
    // A later life may have spoken before the supervisor's word of the earlier one's end is here.
    if (!agent || agent->incarnation() < incarnation_) return;
    const bool runs = agent->state() == WorkerState::STARTING ||
                      agent->state() == WorkerState::READY ||
                      agent->state() == WorkerState::STOPPING;
    if (alive_ && (!runs || agent->incarnation() > incarnation_)) life_ended();
    if (runs) {
        if (agent->incarnation() > incarnation_) bury();
        alive_ = true;
        incarnation_ = agent->incarnation();
    }
    ready_ = agent->state() == WorkerState::READY;
    serve_if_possible();
    hopeless_ = may_serve_later(agent->state()) ? "" : held_text(*agent);
    if (!hopeless_.empty()) refuse_held(hopeless_);
}

void AgentGate::serve_if_possible() {
    serving_ = alive_ && ready_ && heard_;
    if (serving_) release_held();
}

void AgentGate::peer_is(uint64_t incarnation) {
    if (incarnation <= incarnation_) return;
    if (alive_) life_ended();
    bury();
    incarnation_ = incarnation;
    alive_ = true;  // serving once the supervisor says that it is ready
}

void AgentGate::life_ended() {
    alive_ = ready_ = heard_ = serving_ = false;
    if (on_outdated_) on_outdated_();
    burial_ = loop_.after(last_words, [this] { bury(); });
}

// Ends what the dead agent owed. Without a death before it, nothing is owed.
void AgentGate::bury() {
    if (!burial_) return;
    burial_.reset();
    channel_.forget_peer(incarnation_);
    if (!asked_.empty() || runs_.size() > 0)
        log_warn("the agent ended with {} requests and {} runs open", asked_.size(), runs_.size());
    std::map<uint64_t, Asked> owed;
    owed.swap(asked_);
    for (auto& [id, asked] : owed)
        asked.answer(unavailable_result(
            "the agent process ended; it is being restarted, send the request again"));
    for (const OpenRun& run : runs_.take_all())
        if (on_run_lost_) on_run_lost_(run);
}

}  // namespace gateway
