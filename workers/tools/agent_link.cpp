#include "workers/tools/agent_link.h"

#include "workers/common/log.h"

namespace tools {

namespace {

// What may be left out when the agent does not keep up.
bool is_output(const hardshell::proto::ToolsToAgent& message) {
    return message.has_output();
}

constexpr size_t most_waiting = 64;  // frames; more output is left out

}  // namespace

void AgentLink::serve(ToolWorker& worker) {
    worker_ = &worker;
    link_->on_peer([this](uint64_t incarnation) {
        if (agent_life_ != 0) worker_->agent_gone();
        agent_life_ = incarnation;
        worker_->announce();
    });
    link_->on_message([this](std::string_view message) { take(message); });
    worker.announce();
}

void AgentLink::send(const hardshell::proto::ToolsToAgent& message) {
    if (is_output(message) && link_->waiting() > most_waiting) return;
    const Done sent = link_->send(message);
    if (sent) return;
    log_warn("a result did not reach the agent: {}", sent.error().what);
    if (!message.has_result() || sent.error().fault != Fault::bad_message) return;
    // The call is owed an outcome, if only that there is none to be shown.
    hardshell::proto::ToolsToAgent instead;
    instead.mutable_result()->set_id(message.result().id());
    instead.mutable_result()->set_is_error(true);
    instead.mutable_result()->set_content_json(
        print_json(error_outcome("What the tool returned is too large to be passed on.").content));
    (void)link_->send(instead);
}

void AgentLink::take(std::string_view text) {
    hardshell::proto::AgentToTools message;
    if (!message.ParseFromArray(text.data(), static_cast<int>(text.size()))) {
        log_warn("a message of the agent could not be read and was dropped");
        return;
    }
    worker_->take(message);
}

}  // namespace tools
