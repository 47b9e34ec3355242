#include "workers/gateway/front_desk.h"

#include <algorithm>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"
#include "workers/gateway/log_text.h"
#include "workers/gateway/methods_table.h"
#include "workers/gateway/shape.h"

namespace gateway {

namespace {

constexpr int64_t slow_answer_ms = 50;

Failure failure_of(const AgentGate::RpcResult& result) {
    Failure failure;
    failure.code =
        result.error_code().empty() ? std::string(code::unavailable) : result.error_code();
    failure.message = result.error_message();
    failure.details_json = result.error_details_json();
    // Without a number it does not come from the agent: there was none to ask.
    failure.retryable = result.id() == 0;
    return failure;
}

}  // namespace

FrontDesk::FrontDesk(Parts parts)
    : parts_(std::move(parts)),
      handshake_(parts_.settings, parts_.auth, parts_.pairing, parts_.limiter),
      pairing_methods_(parts_.pairing, parts_.nodes),
      node_registry_(parts_.loop, parts_.settings.nodes),
      exec_approvals_(parts_.loop),
      started_ms_(monotonic_ms()) {
    const auto broadcast = [this](const std::string& event, const Json& payload) {
        parts_.hub.broadcast(event, print_json(payload));
    };
    parts_.pairing.on_event(broadcast);
    parts_.nodes.on_event(broadcast);
    exec_approvals_.on_event(broadcast);
    parts_.agent.on_approval([this](uint64_t id, const std::string& params_json) {
        agent_wants_approval(id, params_json);
    });
    parts_.agent.on_resolved(
        [this](const std::string& id, const std::string& decision, const std::string& by) {
            if (exec_approvals_.resolve(id, decision, by, wall_ms()))
                log_info("[approvals] {} had been decided before {} did", log_safe(id, 64),
                         log_safe(by, 100));
        });
    pairing_methods_.on_token_ended(
        [this](const std::string& device_id, const std::string& role, PairingMethods::End how) {
            end_sessions(device_id, role, how);
        });
}

// Who comes from the tailnet is challenged once it is known who that is: what follows needs no
// waiting. A client that does not wait for the challenge is taken as it is.
void FrontDesk::greet(Client& client) {
    const std::string address = claimed_tailscale_address(client.headers(), parts_.settings);
    if (address.empty()) return challenge(client);
    identify(client, address);
}

void FrontDesk::identify(Client& client, const std::string& address) {
    const uint64_t id = client.id();
    being_identified_[id] = &client;
    parts_.tailscale.confirm({address, client.headers().tailscale_login, client.headers().sender},
                             [this, id](const Result<std::string>& login) {
                                 const auto found = being_identified_.find(id);
                                 if (found == being_identified_.end()) return;
                                 Client& waits = *found->second;
                                 being_identified_.erase(found);
                                 if (login)
                                     waits.identify(*login);
                                 else if (stranger_log_.allows(monotonic_ms()))
                                     log_warn("[ws] no Tailscale login for conn={}: {}{}",
                                              short_id(waits.connection_id()),
                                              log_safe(login.error().what, 200),
                                              stranger_log_.remark());
                                 challenge(waits);
                             });
}

void FrontDesk::challenge(Client& client) {
    client.send(event_text("connect.challenge",
                           print_json({{"nonce", client.nonce()}, {"ts", wall_ms()}})));
}

void FrontDesk::take(Client& client, std::string_view text) {
    if (client.is_closing()) return;
    if (client.is_admitted())
        take_request(client, text);
    else
        take_connect(client, text);
}

void FrontDesk::take_connect(Client& client, std::string_view text) {
    const FrameReading frame = read_request(text);
    Verdict verdict =
        handshake_.decide(frame, client.source(), client.nonce(), wall_ms(), monotonic_ms());
    if (const Refusal* refusal = std::get_if<Refusal>(&verdict))
        return turn_away(client, frame, *refusal);
    let_in(client, frame.id, std::move(std::get<Admission>(verdict)));
}

void FrontDesk::turn_away(Client& client, const FrameReading& frame, const Refusal& refusal) {
    parts_.board.add(Counter::clients_refused, 1);
    if (stranger_log_.allows(monotonic_ms()))
        log_warn("[ws] refused conn={} remote={} reason={}: {}{}", short_id(client.connection_id()),
                 log_safe(client.source().address), refusal.cause,
                 log_safe(refusal.failure.message, 200), stranger_log_.remark());
    if (refusal.answered) client.send(failure_text(frame.id, refusal.failure));
    client.close(refusal.close_code, refusal.failure.message);
}

void FrontDesk::let_in(Client& client, const std::string& request_id, Admission admission) {
    const bool newly_paired = admission.newly_paired;
    being_identified_.erase(client.id());  // it did not wait to be challenged
    client.admit(std::move(admission));
    const Admission& who = client.admission();
    const ConnectParams& params = who.params;
    parts_.hub.add(client);
    if (params.is_node()) node_registry_.entered(client, wall_ms());
    parts_.board.set(Counter::clients_connected, static_cast<int64_t>(parts_.hub.size()));
    parts_.hub.entered(client, wall_ms());
    if (newly_paired)
        log_info("paired device {} ({}) as {}: connected from this machine",
                 log_safe(who.device_id.substr(0, 12)), log_safe(params.client_id), who.role);
    log_line(params.is_web_chat() ? LogLevel::info : LogLevel::debug,
             "[ws] {} connected conn={} remote={} client={} {} v{}",
             params.is_web_chat() ? "webchat" : "client", short_id(client.connection_id()),
             log_safe(client.source().address),
             log_safe(params.display_name.empty() ? params.client_id : params.display_name),
             params.client_mode, log_safe(params.client_version));
    Surroundings around;
    around.connection_id = client.connection_id();
    around.presence_json = parts_.hub.presence(wall_ms());
    around.health_json = parts_.health.last();
    around.version = parts_.hub.version();
    around.uptime_ms = monotonic_ms() - started_ms_;
    client.send(response_frame(request_id, hello_text(who, parts_.settings, around)));
    if (params.is_node())
        client.send(event_text("voicewake.changed", print_json(parts_.voice_wake.get())));
    if (who.by == Credential::tailscale)
        log_info("[ws] {} came in by Tailscale, device {}",
                 log_safe(client.source().tailscale_login), log_safe(who.device_id.substr(0, 12)));
    parts_.health.refresh();
}

void FrontDesk::farewell(Client& client, int close_code, std::string_view reason) {
    being_identified_.erase(client.id());
    if (!client.is_admitted()) {
        if (!stranger_log_.allows(monotonic_ms())) return;
        log_info(
            "[ws] closed before connect conn={} remote={} fwd={} origin={} host={} ua={} "
            "code={} reason={}{}",
            short_id(client.connection_id()), log_safe(client.source().address),
            log_safe(client.headers().forwarded_for), log_safe(client.headers().origin),
            log_safe(client.headers().host), log_safe(client.headers().user_agent), close_code,
            log_safe(reason), stranger_log_.remark());
        return;
    }
    parts_.hub.remove(client);
    if (client.admission().params.is_node()) node_registry_.left(client);
    open_requests_.erase(client.id());
    parts_.board.set(Counter::clients_connected, static_cast<int64_t>(parts_.hub.size()));
    const bool web_chat = client.admission().params.is_web_chat();
    // What was left out is always told in the end.
    const bool shown = web_chat || client.log_budget().left_out() > 0;
    log_line(shown ? LogLevel::info : LogLevel::debug,
             "[ws] {} disconnected code={} reason={} conn={}{}", web_chat ? "webchat" : "client",
             close_code, log_safe(reason), short_id(client.connection_id()),
             client.log_budget().remark());
    parts_.hub.left(client, wall_ms());
}

void FrontDesk::take_request(Client& client, std::string_view text) {
    FrameReading frame = read_request(text);
    parts_.board.add(Counter::messages_in, 1);
    const Reply reply{this, client.id(), frame.id, frame.request.method, monotonic_ms()};
    if (frame.outcome != FrameReading::Outcome::request)
        return reply.failed(invalid_request("invalid request frame: " + frame.faults));
    dispatch(client, frame.request, reply);
}

void FrontDesk::dispatch(Client& client, RequestFrame& request, const Reply& reply) {
    if (request.method == "connect")
        return reply.failed(invalid_request("connect is only valid as the first request"));
    const Admission& who = client.admission();
    if (const auto refusal = call_refusal(request.method, who.role, who.scopes))
        return reply.failed(*refusal);
    const Method* method = find_method(request.method);
    if (!method || method->served_by == ServedBy::nobody)
        return reply.failed(not_served(request.method));
    if (request.params.is_null()) request.params = Json::object();
    if (method->served_by == ServedBy::gateway) return serve(request, reply);
    forward(client, *method, request, reply);
}

void FrontDesk::forward(Client& client, const Method& method, RequestFrame& request,
                        const Reply& reply) {
    if (!request.params.is_object())
        return reply.failed(
            invalid_request("invalid " + request.method + " params: must be object"));
    std::string params_json = print_json(request.params);
    const bool may_be_kept = KeptAnswers::covers(request.method);
    if (may_be_kept)
        if (const auto* known = parts_.kept.find(request.method, params_json, monotonic_ms()))
            return reply.ok(known->rest);
    size_t& open = open_requests_[client.id()];
    if (open >= most_open_requests)
        return reply.failed(unavailable("too many requests of this connection are open", true));
    ++open;
    const Admission& who = client.admission();
    AgentGate::Question question;
    question.method = request.method;
    question.params_json = std::move(params_json);
    question.deadline = std::chrono::milliseconds(method.deadline_ms);
    question.caller.set_connection_id(client.connection_id());
    question.caller.set_client_id(who.params.client_id);
    question.caller.set_client_mode(who.params.client_mode);
    question.caller.set_display_name(who.params.display_name);
    for (const std::string& scope : who.scopes) question.caller.add_scopes(scope);
    AgentGate::Answer answer =
        [this, reply, session_key = text_member(request.params, "sessionKey")](
            const AgentGate::RpcResult& result) { relay(result, reply, session_key); };
    if (may_be_kept) return parts_.kept.ask(std::move(question), std::move(answer));
    parts_.agent.ask(std::move(question), std::move(answer));
}

void FrontDesk::relay(const AgentGate::RpcResult& result, const Reply& reply,
                      const std::string& session_key) {
    if (!result.more())
        if (const auto open = open_requests_.find(reply.client_id); open != open_requests_.end())
            open->second -= open->second > 0 ? 1 : 0;
    const bool starts_run = reply.method == "chat.send" || reply.method == "agent";
    if (starts_run && result.ok())
        if (const Result<Json> payload = parse_json(result.payload_json())) {
            const std::string state = text_member(*payload, "status");
            if (state == "started" || state == "accepted")
                parts_.agent.run_started(text_member(*payload, "runId"), session_key);
        }
    if (result.ok()) return reply.ok(result.payload_json());
    reply.failed(failure_of(result), result.payload_json());
}

void FrontDesk::Reply::ok(std::string_view payload_json) const {
    if (Client* client = noted()) client->send(response_frame(request_id, payload_json));
}

void FrontDesk::Reply::ok(const SharedFrame& rest) const {
    if (Client* client = noted()) client->send_response(request_id, rest);
}

Client* FrontDesk::Reply::noted() const {
    Client* client = desk->parts_.hub.find(client_id);
    if (!client) return nullptr;
    desk->log_answer(*this, *client, nullptr);
    desk->parts_.board.add(Counter::messages_out, 1);
    return client;
}

void FrontDesk::Reply::failed(const Failure& failure, std::string_view payload_json) const {
    Client* client = desk->parts_.hub.find(client_id);
    if (!client) return;
    desk->log_answer(*this, *client, &failure);
    desk->parts_.board.add(Counter::messages_out, 1);
    client->send(failure_text(request_id, failure, payload_json));
}

void FrontDesk::log_answer(const Reply& reply, Client& client, const Failure* failure) const {
    const int64_t now = monotonic_ms();
    const int64_t took = now - reply.asked_ms;
    if (!failure && took < slow_answer_ms) return;
    if (!client.log_budget().allows(now)) return;
    const std::string method = log_safe(reply.method.empty() ? "?" : reply.method, 64);
    const std::string connection = short_id(client.connection_id());
    if (failure)
        log_info("[ws] ⇄ res ✗ {} {}ms errorCode={} errorMessage={} conn={} id={}{}", method, took,
                 failure->code, log_safe(failure->message, 300), connection,
                 log_safe(reply.request_id, 40), client.log_budget().remark());
    else
        log_info("[ws] ⇄ res ✓ {} {}ms conn={} id={}{}", method, took, connection,
                 log_safe(reply.request_id, 40), client.log_budget().remark());
}

}  // namespace gateway
