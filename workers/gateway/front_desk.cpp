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

// What a client is told about a method that this gateway does not serve.
Failure unknown_method(const std::string& name) {
    if (find_method(name)) return invalid_request(name + " is not offered by this gateway");
    return invalid_request("unknown method: " + name);
}

}  // namespace

FrontDesk::FrontDesk(Parts parts)
    : parts_(std::move(parts)),
      handshake_(parts_.settings, parts_.auth, parts_.pairing, limiter_),
      started_ms_(monotonic_ms()) {
    parts_.pairing.on_event([this](const std::string& event, const Json& payload) {
        parts_.hub.broadcast(event, print_json(payload));
    });
}

void FrontDesk::greet(Client& client) {
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
    log_warn("[ws] refused conn={} remote={} reason={}: {}", short_id(client.connection_id()),
             log_safe(client.source().address), refusal.cause,
             log_safe(refusal.failure.message, 200));
    if (refusal.answered) client.send(failure_text(frame.id, refusal.failure));
    client.close(refusal.close_code, refusal.failure.message);
}

void FrontDesk::let_in(Client& client, const std::string& request_id, Admission admission) {
    const bool newly_paired = admission.newly_paired;
    client.admit(std::move(admission));
    const Admission& who = client.admission();
    const ConnectParams& params = who.params;
    parts_.hub.add(client);
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
    around.presence = parts_.hub.presence(wall_ms());
    around.health_json = parts_.health.last();
    around.version = parts_.hub.version();
    around.uptime_ms = monotonic_ms() - started_ms_;
    client.send(response_text(request_id, hello_text(who, parts_.settings, around)));
    parts_.health.refresh();
}

void FrontDesk::farewell(Client& client, int close_code, std::string_view reason) {
    if (!client.is_admitted()) {
        log_info(
            "[ws] closed before connect conn={} remote={} fwd={} origin={} host={} ua={} "
            "code={} reason={}",
            short_id(client.connection_id()), log_safe(client.source().address),
            log_safe(client.headers().forwarded_for), log_safe(client.headers().origin),
            log_safe(client.headers().host), log_safe(client.headers().user_agent), close_code,
            log_safe(reason));
        return;
    }
    parts_.hub.remove(client);
    open_requests_.erase(client.id());
    parts_.board.set(Counter::clients_connected, static_cast<int64_t>(parts_.hub.size()));
    const bool web_chat = client.admission().params.is_web_chat();
    log_line(web_chat ? LogLevel::info : LogLevel::debug,
             "[ws] {} disconnected code={} reason={} conn={}", web_chat ? "webchat" : "client",
             close_code, log_safe(reason), short_id(client.connection_id()));
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
        return reply.failed(unknown_method(request.method));
    if (request.params.is_null()) request.params = Json::object();
    if (method->served_by == ServedBy::gateway) return serve(request, reply);
    forward(client, *method, request, reply);
}

void FrontDesk::forward(Client& client, const Method& method, RequestFrame& request,
                        const Reply& reply) {
    if (!request.params.is_object())
        return reply.failed(
            invalid_request("invalid " + request.method + " params: must be object"));
    size_t& open = open_requests_[client.id()];
    if (open >= most_open_requests)
        return reply.failed(unavailable("too many requests of this connection are open", true));
    ++open;
    const Admission& who = client.admission();
    AgentGate::Question question;
    question.method = request.method;
    question.params_json = print_json(request.params);
    question.deadline = std::chrono::milliseconds(method.deadline_ms);
    question.caller.set_connection_id(client.connection_id());
    question.caller.set_client_id(who.params.client_id);
    question.caller.set_client_mode(who.params.client_mode);
    question.caller.set_display_name(who.params.display_name);
    for (const std::string& scope : who.scopes) question.caller.add_scopes(scope);
    parts_.agent.ask(
        std::move(question),
        [this, reply, session_key = text_member(request.params, "sessionKey")](
            const AgentGate::RpcResult& result) { relay(result, reply, session_key); });
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
    Client* client = desk->parts_.hub.find(client_id);
    if (!client) return;
    desk->log_answer(*this, *client, nullptr);
    desk->parts_.board.add(Counter::messages_out, 1);
    client->send(response_text(request_id, payload_json));
}

void FrontDesk::Reply::failed(const Failure& failure, std::string_view payload_json) const {
    Client* client = desk->parts_.hub.find(client_id);
    if (!client) return;
    desk->log_answer(*this, *client, &failure);
    desk->parts_.board.add(Counter::messages_out, 1);
    client->send(failure_text(request_id, failure, payload_json));
}

void FrontDesk::log_answer(const Reply& reply, const Client& client, const Failure* failure) const {
    const int64_t took = monotonic_ms() - reply.asked_ms;
    const std::string method = log_safe(reply.method.empty() ? "?" : reply.method, 64);
    const std::string connection = short_id(client.connection_id());
    if (failure)
        log_info("[ws] ⇄ res ✗ {} {}ms errorCode={} errorMessage={} conn={} id={}", method, took,
                 failure->code, log_safe(failure->message, 300), connection,
                 log_safe(reply.request_id, 40));
    else if (took >= slow_answer_ms)
        log_info("[ws] ⇄ res ✓ {} {}ms conn={} id={}", method, took, connection,
                 log_safe(reply.request_id, 40));
}

}  // namespace gateway
