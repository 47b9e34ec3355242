#include "tests/support/gateway_client.h"

#include "workers/common/base/clock.h"

namespace {

const Json none;

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
    return text;
}

Json device_block(const GatewayClient::Options& options, const std::string& nonce) {
    const int64_t now = wall_ms();
    const std::string payload = "v2|" + options.device->id() + "|" + options.client_id + "|" +
                                options.client_mode + "|" + options.role + "|" +
                                joined(options.scopes) + "|" + std::to_string(now) + "|" +
                                options.token + "|" + nonce;
    return {{"id", options.device->id()},
            {"publicKey", options.device->public_key()},
            {"signature", options.device->sign(payload)},
            {"signedAt", now},
            {"nonce", nonce}};
}

}  // namespace

bool GatewayClient::open(uint16_t port, const Options& options) {
    *this = {};
    if (!socket_.open(port, options.headers, Deadline(patience), options.host)) return false;
    const Json challenge = wait_event("connect.challenge");
    nonce_ = text_member(member(challenge, "payload"), "nonce");
    return !nonce_.empty();
}

Json GatewayClient::connect_params(const Options& options) const {
    Json params = {{"minProtocol", 3},
                   {"maxProtocol", 3},
                   {"client",
                    {{"id", options.client_id},
                     {"version", "dev"},
                     {"platform", "linux"},
                     {"mode", options.client_mode}}},
                   {"role", options.role},
                   {"scopes", options.scopes},
                   {"caps", Json::array()}};
    Json auth = Json::object();
    if (!options.token.empty()) auth["token"] = options.token;
    if (!options.password.empty()) auth["password"] = options.password;
    if (!auth.empty()) params["auth"] = auth;
    if (options.device) params["device"] = device_block(options, nonce_);
    return params;
}

Json GatewayClient::connect(uint16_t port, const Options& options) {
    if (!open(port, options)) return none;
    return request("connect", connect_params(options));
}

bool GatewayClient::admitted(uint16_t port, const Options& options) {
    const Json answer = connect(port, options);
    return bool_member(answer, "ok") &&
           text_member(member(answer, "payload"), "type") == "hello-ok";
}

std::string GatewayClient::send(const std::string& method, const Json& params) {
    const std::string id = "r" + std::to_string(next_id_++);
    socket_.send_text(
        print_json(Json{{"type", "req"}, {"id", id}, {"method", method}, {"params", params}}));
    return id;
}

Json GatewayClient::request(const std::string& method, const Json& params,
                            std::chrono::milliseconds limit) {
    return response(send(method, params), limit);
}

Json GatewayClient::response(const std::string& id, std::chrono::milliseconds limit) {
    const Deadline deadline(limit);
    std::deque<Json>& waiting = responses_[id];
    while (waiting.empty())
        if (!read_frame(deadline)) return none;
    Json answer = std::move(waiting.front());
    waiting.pop_front();
    return answer;
}

Json GatewayClient::wait_event(const std::string& name, const Predicate& fits,
                               std::chrono::milliseconds limit) {
    const Deadline deadline(limit);
    for (size_t looked_at = 0;;) {
        for (; looked_at < unclaimed_.size(); ++looked_at) {
            const Json& event = events_[unclaimed_[looked_at]];
            if (text_member(event, "event") != name) continue;
            if (fits && !fits(member(event, "payload"))) continue;
            Json found = event;
            unclaimed_.erase(unclaimed_.begin() + static_cast<std::ptrdiff_t>(looked_at));
            return found;
        }
        if (!read_frame(deadline)) return none;
    }
}

bool GatewayClient::wait_closed(std::chrono::milliseconds limit) {
    const Deadline deadline(limit);
    while (read_frame(deadline)) {
    }
    return socket_.is_closed();
}

void GatewayClient::read_waiting() {
    const Deadline now(std::chrono::milliseconds(0));
    while (read_frame(now)) {
    }
}

void GatewayClient::forget_events() {
    events_.clear();
    unclaimed_.clear();
}

std::vector<Json> GatewayClient::payloads(const std::string& name) const {
    std::vector<Json> found;
    for (const Json& event : events_)
        if (text_member(event, "event") == name) found.push_back(member(event, "payload"));
    return found;
}

bool GatewayClient::read_frame(const Deadline& deadline) {
    const auto text = socket_.receive(deadline);
    if (!text) return false;
    auto frame = parse_json(*text);
    if (!frame) return true;
    if (text_member(*frame, "type") == "res") {
        responses_[text_member(*frame, "id")].push_back(std::move(*frame));
    } else {
        unclaimed_.push_back(events_.size());
        events_.push_back(std::move(*frame));
    }
    return true;
}

std::string message_text(const Json& message) {
    const Json& content = member(message, "content");
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    for (const Json& part : content)
        if (text_member(part, "type") == "text") text += text_member(part, "text");
    return text;
}

Turn chat_turn(GatewayClient& client, const std::string& text, const std::string& session_key,
               std::chrono::milliseconds limit) {
    static uint64_t count = 0;
    Turn turn;
    turn.run_id = "run-" + std::to_string(wall_ms()) + "-" + std::to_string(++count);
    const Json answer = client.request(
        "chat.send",
        {{"sessionKey", session_key}, {"message", text}, {"idempotencyKey", turn.run_id}});
    if (!bool_member(answer, "ok")) {
        turn.error = text_member(member(answer, "error"), "message", "no answer to chat.send");
        return turn;
    }
    const Json last = client.wait_event(
        "chat",
        [&](const Json& payload) {
            if (text_member(payload, "runId") != turn.run_id) return false;
            if (text_member(payload, "state") != "delta") return true;
            turn.deltas.push_back(message_text(member(payload, "message")));
            return false;
        },
        limit);
    const Json& payload = member(last, "payload");
    turn.state = text_member(payload, "state");
    turn.text = message_text(member(payload, "message"));
    turn.error = text_member(payload, "errorMessage");
    return turn;
}
