#include "workers/agent/tools_link.h"

#include <set>
#include <utility>

#include "proto/agent_tools.pb.h"
#include "workers/agent/own_tools.h"
#include "workers/common/log.h"

namespace agent {

using hardshell::proto::AgentToTools;
using hardshell::proto::ToolsToAgent;

namespace {

constexpr const char* worker_gone =
    "The process that runs tools ended before this was finished. It may have had an effect; look "
    "before you try again.";
constexpr const char* no_worker = "The process that runs tools is not there at the moment.";

ToolOutcome outcome_of(const hardshell::proto::ToolResult& result) {
    Result<Json> content = parse_json(result.content_json());
    if (!content || !content->is_array()) return tool_error("The tool's result could not be read.");
    ToolOutcome outcome;
    outcome.content = std::move(*content);
    outcome.is_error = result.is_error();
    if (result.details_json().empty()) return outcome;
    if (Result<Json> details = parse_json(result.details_json()); details)
        outcome.details = std::move(*details);
    return outcome;
}

}  // namespace

class ToolsLink::Call final : public ToolCall {
  public:
    Call(ToolsLink& link, uint64_t id, std::weak_ptr<bool> alive)
        : link_(link), id_(id), alive_(std::move(alive)) {}
    ~Call() override {
        if (!alive_.expired()) link_.cancel(id_);
    }

  private:
    ToolsLink& link_;
    const uint64_t id_;
    std::weak_ptr<bool> alive_;
};

ToolsLink::ToolsLink(Loop& loop, std::unique_ptr<Link> link, const AgentConfig& config,
                     std::string state_dir)
    : loop_(loop), link_(std::move(link)), config_(config), state_dir_(std::move(state_dir)) {
    if (!link_) return;
    link_->on_peer([this](uint64_t incarnation) { peer_is(incarnation, true); });
    link_->on_message([this](std::string_view message) { take(message); });
    AgentToTools up;
    up.mutable_link_up();
    (void)link_->send(up);
}

ToolsLink::~ToolsLink() = default;

const ToolsLink::Offer* ToolsLink::find(std::string_view name) const {
    for (const Offer& offer : offers_)
        if (offer.name == name) return &offer;
    return nullptr;
}

std::string ToolsLink::workspace_of(const std::string& agent) const {
    const AgentEntry* entry = config_.agent(agent);
    const std::string place = entry ? entry->workspace : "workspace";
    return place.starts_with("/") ? place : state_dir_ + "/" + place;
}

std::unique_ptr<ToolCall> ToolsLink::start(const ToolOrder& order, ToolListener& listener) {
    if (!link_ || life_ == 0) return ended_tool(loop_, tool_error(no_worker), listener);
    const uint64_t id = next_id_++;
    AgentToTools message;
    auto& call = *message.mutable_call();
    call.set_id(id);
    call.set_tool(order.name);
    call.set_arguments_json(print_json(order.arguments));
    call.set_agent_id(order.caller.agent);
    call.set_session_key(order.caller.session_key);
    call.set_run_id(order.run_id);
    call.set_workspace(workspace_of(order.caller.agent));
    call.set_exec_host(order.caller.exec.host);
    call.set_exec_security(order.caller.exec.security);
    call.set_exec_ask(order.caller.exec.ask);
    if (const Done sent = link_->send(message); !sent)
        return ended_tool(loop_, tool_error(no_worker), listener);
    open_[id] = {&listener, life_};
    return std::make_unique<Call>(*this, id, alive_);
}

void ToolsLink::cancel(uint64_t id) {
    if (open_.erase(id) == 0) return;
    AgentToTools message;
    message.mutable_cancel()->set_id(id);
    (void)link_->send(message);
}

void ToolsLink::end_session(const std::string& session_key) {
    if (!link_ || life_ == 0) return;
    AgentToTools message;
    message.mutable_end_session()->set_session_key(session_key);
    (void)link_->send(message);
}

void ToolsLink::answer_approval(uint64_t call, const std::string& decision) {
    if (!open_.contains(call)) return;
    AgentToTools message;
    message.mutable_approval()->set_call_id(call);
    message.mutable_approval()->set_decision(decision);
    (void)link_->send(message);
}

void ToolsLink::peer_is(uint64_t incarnation, bool runs) {
    if (incarnation < life_) return;
    life_ = runs ? incarnation : 0;
    fail_calls_before(runs ? incarnation : incarnation + 1);
}

void ToolsLink::fail_calls_before(uint64_t life) {
    std::vector<ToolListener*> lost;
    for (auto call = open_.begin(); call != open_.end();) {
        if (call->second.life >= life) {
            ++call;
            continue;
        }
        lost.push_back(call->second.listener);
        call = open_.erase(call);
    }
    // What a listener does when it is told reaches none of the others: each has but the one call.
    for (ToolListener* listener : lost) listener->tool_ended(tool_error(worker_gone));
}

void ToolsLink::take(std::string_view text) {
    ToolsToAgent message;
    if (!message.ParseFromArray(text.data(), static_cast<int>(text.size()))) {
        log_warn("a message of the tools worker could not be read and was dropped");
        return;
    }
    if (message.has_link_up()) return take_offers(message);
    if (message.has_result()) return take_result(message.result());
    if (message.has_output()) {
        const auto call = open_.find(message.output().id());
        if (call != open_.end()) call->second.listener->tool_output(message.output().text());
    } else if (message.has_approval_wanted() && on_approval_) {
        const auto& wanted = message.approval_wanted();
        if (const Result<Json> request = parse_json(wanted.request_json()); request)
            on_approval_(wanted.call_id(), *request);
    } else if (message.has_process_ended() && on_process_) {
        on_process_(message.process_ended().session_key(), message.process_ended().summary());
    }
}

void ToolsLink::take_offers(const ToolsToAgent& message) {
    const size_t before = offers_.size();
    offers_.clear();
    for (const auto& tool : message.link_up().tools()) {
        if (find(tool.name())) continue;  // providers refuse two of one name
        Result<Json> parameters = parse_json(tool.parameters_json());
        if (!parameters || !parameters->is_object()) {
            log_warn("the tool {} has no usable schema and is not offered", tool.name());
            continue;
        }
        offers_.push_back({tool.name(), tool.description(), std::move(*parameters)});
    }
    if (offers_.size() != before) log_info("the tools worker offers {} tools", offers_.size());
    // Each life of it: one that starts anew knows nothing of them.
    if (std::exchange(prepared_life_, life_) != life_) prepare_workspaces();
}

// It writes them: the workspace is no place of this process.
void ToolsLink::prepare_workspaces() {
    const bool bare = bool_member(member_at(config_.json(), "agents.defaults"), "skipBootstrap");
    std::set<std::string> places;
    for (const AgentEntry& agent : config_.agents()) {
        if (!places.insert(workspace_of(agent.id)).second) continue;
        AgentToTools message;
        message.mutable_prepare()->set_workspace(workspace_of(agent.id));
        message.mutable_prepare()->set_setting(agent.workspace_key);
        message.mutable_prepare()->set_bare(bare);
        (void)link_->send(message);
    }
}

void ToolsLink::take_result(const hardshell::proto::ToolResult& result) {
    const auto call = open_.find(result.id());
    if (call == open_.end()) return;  // cancelled
    ToolListener* listener = call->second.listener;
    open_.erase(call);
    listener->tool_ended(outcome_of(result));
}

}  // namespace agent
