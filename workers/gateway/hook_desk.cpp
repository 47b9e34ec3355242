#include "workers/gateway/hook_desk.h"

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/gateway/log_text.h"

namespace gateway {

namespace {

HttpAnswer failure_of(const AgentGate::RpcResult& result) {
    const bool refused = result.error_code() == code::invalid_request;
    return hook_failure(refused ? 400 : 503, result.error_message());
}

}  // namespace

// Answers the caller when the turn is accepted; the main session learns of its end.
class HookDesk::Listener final : public TurnListener {
  public:
    Listener(HookDesk& desk, HookRun run, std::shared_ptr<HttpReply> reply)
        : desk_(desk), run_(std::move(run)), reply_(std::move(reply)) {}

    void accepted() override {
        is_accepted_ = true;
        reply_->answer(json_answer(202, {{"ok", true}, {"runId", run_.order.run_id}}));
        reply_.reset();
    }
    void ended(const TurnEnd& end) override {
        if (is_accepted_) return desk_.deliver(run_, end);
        reply_->answer(hook_failure(http_fault(end.how).status, end.why));
    }

  private:
    HookDesk& desk_;
    HookRun run_;
    std::shared_ptr<HttpReply> reply_;  // shared with the socket's owner
    bool is_accepted_ = false;
};

HookDesk::HookDesk(const HookSettings& settings, AgentGate& agent, AgentTurns& turns)
    : settings_(settings), agent_(agent), turns_(turns) {
    if (!settings.enabled) return;
    for (const HookMapping& mapping : settings.mappings)
        if (!mapping.transform.empty())
            log_warn(
                "{}.transform.module: JavaScript is not run here, so requests for this mapping are "
                "answered with an error; use messageTemplate or textTemplate",
                mapping.key);
}

void HookDesk::take(const HttpAsk& ask, std::string body, std::shared_ptr<HttpReply> reply) {
    // Some senders have nothing to add to the path.
    if (body.find_first_not_of(" \t\r\n") == std::string::npos) body = "{}";
    const Result<Json> payload = parse_json(body);
    body = {};
    if (!payload)
        return reply->answer(hook_failure(400, "the body is no JSON: " + payload.error().what));
    HookAction action = decide_hook(ask, *payload, settings_, wall_ms());
    if (HttpAnswer* answer = std::get_if<HttpAnswer>(&action)) {
        if (answer->status == 500 && log_.allows(monotonic_ms()))
            log_warn("[hooks] {} cannot be served: {}{}", log_safe(ask.path, 100),
                     log_safe(answer->body, 300), log_.remark());
        return reply->answer(std::move(*answer));
    }
    if (const HookWake* wake = std::get_if<HookWake>(&action))
        return this->wake(*wake, std::move(reply));
    start(std::move(std::get<HookRun>(action)), std::move(reply));
}

void HookDesk::ask(const char* method, const Json& params, AgentGate::Answer answer) {
    AgentGate::Question question;
    question.method = method;
    question.params_json = print_json(params);
    question.deadline = wake_deadline;
    agent_.ask(std::move(question), std::move(answer));
}

void HookDesk::wake(const HookWake& wake, std::shared_ptr<HttpReply> reply) {
    const std::string mode(wake.mode());
    ask("wake", {{"mode", mode}, {"text", wake.text}},
        [reply, mode](const AgentGate::RpcResult& result) {
            if (!result.ok()) return reply->answer(failure_of(result));
            reply->answer(json_answer(200, {{"ok", true}, {"mode", mode}}));
        });
}

void HookDesk::start(HookRun run, std::shared_ptr<HttpReply> reply) {
    if (run.model.empty()) return begin(std::move(run), std::move(reply));
    const Json patch{{"key", run.order.session_key}, {"model", run.model}};
    ask("sessions.patch", patch, [this, run, reply](const AgentGate::RpcResult& result) {
        if (!result.ok()) return reply->answer(failure_of(result));
        begin(run, reply);
    });
}

void HookDesk::begin(HookRun run, std::shared_ptr<HttpReply> reply) {
    TurnOrder order = run.order;
    run.order.message.clear();
    log_info("[hooks] {} starts run {}", log_safe(run.name, 60), order.run_id);
    turns_.start(std::move(order),
                 std::make_shared<Listener>(*this, std::move(run), std::move(reply)));
}

// The answer to whom it is for; where that cannot be, the main session is told why.
void HookDesk::deliver(const HookRun& run, const TurnEnd& end) {
    if (!run.deliver || end.text.empty()) return tell(run, end);
    const Json params{{"channel", run.channel},
                      {"to", run.to},
                      {"message", end.text},
                      {"origin", "hook:" + run.order.run_id}};
    ask("internal.deliver", params, [this, run, end](const AgentGate::RpcResult& result) {
        if (!result.ok() && run.channel != "last" && log_.allows(monotonic_ms()))
            log_warn(
                "[hooks] run {} is not delivered to {}: {}; its answer is told to the main "
                "session{}",
                run.order.run_id, run.channel, log_safe(result.error_message(), 200),
                log_.remark());
        tell(run, end);
    });
}

void HookDesk::tell(const HookRun& run, const TurnEnd& end) {
    const Json params{{"mode", run.wake_now ? "now" : "next-heartbeat"},
                      {"text", hook_summary(run, end)}};
    ask("wake", params, [id = run.order.run_id](const AgentGate::RpcResult& result) {
        if (!result.ok())
            log_warn("[hooks] the main session was not told of run {}: {}", id,
                     log_safe(result.error_message(), 200));
    });
}

}  // namespace gateway
