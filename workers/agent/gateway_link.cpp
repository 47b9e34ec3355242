#include "workers/agent/gateway_link.h"

#include "proto/gateway_agent.pb.h"
#include "workers/common/log.h"

namespace agent {

using hardshell::proto::AgentToGateway;
using hardshell::proto::GatewayToAgent;

namespace {

// A link's frame holds 16 MiB; what surrounds the payload needs little.
constexpr size_t largest_payload = Link::largest_frame - (64u << 10);

}  // namespace

GatewayLink::GatewayLink(std::unique_ptr<Link> link) : link_(std::move(link)) {
    link_->on_peer([this](uint64_t incarnation) { gateway_life_ = incarnation; });
    link_->on_message([this](std::string_view message) { take(message); });
}

GatewayLink::~GatewayLink() {
    *alive_ = false;
}

void GatewayLink::serve(Methods& methods) {
    methods_ = &methods;
    greet();
}

void GatewayLink::greet() {
    AgentToGateway message;
    message.mutable_link_up();
    (void)link_->send(message);
    send_channels();
}

void GatewayLink::tell_channels(const Json& report) {
    std::string text = print_json(report);
    if (text == channels_json_) return;
    channels_json_ = std::move(text);
    send_channels();
}

void GatewayLink::send_channels() {
    if (channels_json_.empty()) return;
    AgentToGateway message;
    message.mutable_channels()->set_channels_json(channels_json_);
    if (const Done done = link_->send(message); !done)
        log_warn("the gateway does not know how the channels are: {}", done.error().what);
}

void GatewayLink::ask_approval(uint64_t id, const Json& params) {
    AgentToGateway message;
    message.mutable_ask_approval()->set_id(id);
    message.mutable_ask_approval()->set_params_json(print_json(params));
    if (const Done sent = link_->send(message); !sent && on_approval_) on_approval_(id, {});
}

Done GatewayLink::resolve_approval(const std::string& approval_id, const std::string& decision,
                                   const std::string& by) {
    AgentToGateway message;
    message.mutable_resolve_approval()->set_approval_id(approval_id);
    message.mutable_resolve_approval()->set_decision(decision);
    message.mutable_resolve_approval()->set_resolved_by(by);
    return link_->send(message);
}

void GatewayLink::stop_serving() {
    methods_ = nullptr;
}

void GatewayLink::take(std::string_view text) {
    GatewayToAgent message;
    if (!message.ParseFromArray(text.data(), static_cast<int>(text.size()))) {
        log_warn("a message of the gateway could not be read and was dropped");
        return;
    }
    // A gateway that is new asks nothing before it has heard from us.
    if (message.has_link_up() && methods_) return greet();
    if (message.has_approval_decided() && on_approval_)
        return on_approval_(message.approval_decided().id(), message.approval_decided().decision());
    if (!message.has_rpc()) return;
    const auto& rpc = message.rpc();
    const auto reply = [this, id = rpc.id(), life = gateway_life_, alive = alive_](Answer result) {
        if (*alive) answer(id, life, result);
    };
    if (!methods_) return reply(unavailable("the agent is not serving at the moment"));
    CallerRights rights{false, false};
    for (const std::string& scope : rpc.caller().scopes()) {
        rights.administers |= scope == "operator.admin";
        rights.approves |= scope == "operator.admin" || scope == "operator.approvals";
    }
    methods_->call(rpc.method(), rpc.params_json(), reply, rights);
}

void GatewayLink::answer(uint64_t id, uint64_t asked_by, const Answer& answer) {
    if (asked_by != gateway_life_) return;
    AgentToGateway message;
    auto& result = *message.mutable_rpc_result();
    result.set_id(id);
    result.set_ok(answer.ok);
    result.set_payload_json(answer.payload_json);
    result.set_error_code(answer.error_code);
    result.set_error_message(answer.error_message);
    result.set_more(answer.more);
    result.set_keep_ms(static_cast<uint32_t>(answer.keep.count()));
    answers_are_kept_ = answers_are_kept_ || answer.keep.count() > 0;
    if (answer.payload_json.size() > largest_payload) {
        result.set_ok(false);
        result.clear_payload_json();
        result.set_error_code("UNAVAILABLE");
        result.set_error_message("the answer is too large; ask for less (limit)");
    }
    if (const Done done = link_->send(message); !done)
        log_warn("an answer did not reach the gateway: {}", done.error().what);
}

void GatewayLink::emit(const Event& event) {
    AgentToGateway message;
    auto& out = *message.mutable_event();
    out.set_event(event.name);
    out.set_payload_json(print_json(event.payload));
    out.set_run_id(event.run_id);
    out.set_session_key(event.session_key);
    out.set_run_sequence(event.sequence);
    out.set_drop_if_slow(event.drop_if_slow);
    const Done done = event.drop_if_slow ? link_->send_together(message) : link_->send(message);
    if (!done) log_warn("an event did not reach the gateway: {}", done.error().what);
}

void GatewayLink::state_changed() {
    if (!answers_are_kept_) return;
    answers_are_kept_ = false;
    AgentToGateway message;
    message.mutable_state_changed();
    if (const Done done = link_->send(message); !done) {
        answers_are_kept_ = true;
        log_warn("a change was not told to the gateway: {}", done.error().what);
    }
}

void GatewayLink::run_ended(const std::string& run_id) {
    AgentToGateway message;
    message.mutable_run_ended()->set_run_id(run_id);
    (void)link_->send(message);
}

}  // namespace agent
