#include "workers/cli/gateway_client.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdio>

namespace cli {

namespace {

constexpr std::chrono::milliseconds goodbye_patience{200};

// The gateway's words, with what to do about them.
struct Advice {
    const char* code;
    const char* begins;
    Fault fault;
    const char* cure;
};
constexpr Advice advice[] = {
    // code, message begins with, fault, what the owner can do
    {"INVALID_REQUEST", "unauthorized", Fault::bad_credentials,
     "give the right --token or --password"},
    {"NOT_PAIRED", "", Fault::bad_config, "give the gateway's shared token with --token"},
    {"INVALID_REQUEST", "protocol mismatch", Fault::bad_config,
     "use a command line of the gateway's version"},
};

Error refused_connect(const Json& error, const Target& target) {
    const std::string code = text_member(error, "code");
    const std::string message = text_member(error, "message", "no reason given");
    for (const Advice& row : advice)
        if (code == row.code && message.starts_with(row.begins))
            return Error{row.fault, "the gateway at " + target.url + " refuses: " + message +
                                        " (credential from " + target.credential_source + "); " +
                                        row.cure};
    return Error{Fault::bad_message, "the gateway at " + target.url + " refuses: " + message};
}

Error refused_call(const std::string& method, const Json& error) {
    const std::string code = text_member(error, "code", "an error");
    const Fault fault = code == "UNAVAILABLE" ? Fault::busy : Fault::bad_message;
    return Error{fault, method + ": " + text_member(error, "message", "no reason given") + " (" +
                            code + ")"};
}

bool is_response_to(const Json& frame, const std::string& id) {
    return text_member(frame, "type") == "res" && text_member(frame, "id") == id;
}

}  // namespace

std::string random_uuid() {
    unsigned char bytes[16] = {};
    (void)!getrandom(bytes, sizeof bytes, 0);
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
    std::string out;
    for (size_t i = 0; i < sizeof bytes; ++i) {
        char hex[3];
        std::snprintf(hex, sizeof hex, "%02x", bytes[i]);
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += hex;
    }
    return out;
}

Json connect_params(const Target& target, const std::string& instance_id) {
    Json params = {{"minProtocol", 3},
                   {"maxProtocol", 3},
                   {"client",
                    {{"id", "cli"},
                     {"version", HARDSHELL_VERSION},
                     {"platform", "linux"},
                     {"mode", "cli"},
                     {"instanceId", instance_id}}},
                   {"role", "operator"},
                   {"scopes", {"operator.admin", "operator.approvals", "operator.pairing"}},
                   {"caps", Json::array()},
                   {"auth", Json::object()}};
    if (!target.token.empty()) params["auth"]["token"] = target.token.reveal();
    if (!target.password.empty()) params["auth"]["password"] = target.password.reveal();
    return params;
}

GatewayClient::GatewayClient(std::unique_ptr<WebSocket> socket, std::string peer)
    : socket_(std::move(socket)), peer_(std::move(peer)) {}

GatewayClient::~GatewayClient() {
    socket_->close(std::chrono::steady_clock::now() + goodbye_patience);
}

Result<std::unique_ptr<GatewayClient>> GatewayClient::connect(const Target& target,
                                                              Deadline deadline) {
    const Result<Url> url = parse_url(target.url);
    if (!url) return url.error();
    Result<std::unique_ptr<WebSocket>> socket = WebSocket::connect(*url, deadline);
    if (!socket) {
        Error error = socket.error();
        if (error.fault == Fault::unreachable && is_loopback_url(target.url))
            error.what += "; start one with `hardshell gateway`";
        // The supervisor holds the port open while its gateway worker is down.
        if (error.fault == Fault::timed_out) error.what += "; see `hardshell status`";
        return error;
    }
    std::unique_ptr<GatewayClient> client{new GatewayClient(std::move(*socket), target.url)};
    if (Done greeted = client->greet(target, deadline); !greeted) return greeted.error();
    return client;
}

Done GatewayClient::greet(const Target& target, Deadline deadline) {
    if (Result<std::string> nonce = await_challenge(deadline); !nonce) return nonce.error();
    if (Done sent = request("connect", "connect", connect_params(target, random_uuid()), deadline);
        !sent)
        return sent.error();
    for (;;) {
        Result<Json> frame = next_frame(deadline);
        if (!frame) return frame.error();
        if (!is_response_to(*frame, "connect")) continue;
        if (!bool_member(*frame, "ok")) return refused_connect(member(*frame, "error"), target);
        hello_ = member(*frame, "payload");
        const int64_t tick = int_member(member(hello_, "policy"), "tickIntervalMs", 30'000);
        longest_silence_ = std::chrono::milliseconds(2 * std::clamp<int64_t>(tick, 1000, 600'000));
        return {};
    }
}

Result<std::string> GatewayClient::await_challenge(Deadline deadline) {
    for (;;) {
        Result<Json> frame = next_frame(deadline);
        if (!frame) return frame.error();
        if (text_member(*frame, "event") == "connect.challenge")
            return text_member(member(*frame, "payload"), "nonce");
    }
}

Done GatewayClient::request(const std::string& id, const std::string& method, const Json& params,
                            Deadline deadline) {
    Json frame = {{"type", "req"}, {"id", id}, {"method", method}};
    if (!params.is_null()) frame["params"] = params;
    return socket_->send(print_json(frame), deadline);
}

Result<Json> GatewayClient::next_frame(Deadline deadline) {
    for (;;) {
        const Deadline silence = std::chrono::steady_clock::now() + longest_silence_;
        Result<std::string> text = socket_->receive(std::min(deadline, silence));
        if (!text && text.error().fault == Fault::timed_out && silence < deadline)
            return Error{Fault::unreachable,
                         "the gateway at " + peer_ + " has gone silent; see `hardshell status`"};
        if (!text) return text.error();
        Result<Json> frame = parse_json(*text);
        if (frame && frame->is_object()) return frame;
    }
}

Result<Json> GatewayClient::await_response(const std::string& id, const Call& call,
                                           Deadline deadline) {
    for (;;) {
        Result<Json> frame = next_frame(deadline);
        if (!frame) return frame.error();
        const std::string event = text_member(*frame, "event");
        if (!event.empty() && call.on_event) call.on_event(event, member(*frame, "payload"));
        if (!is_response_to(*frame, id)) continue;
        const Json& payload = member(*frame, "payload");
        // Plug-ins say in the payload why not.
        if (const std::string why = text_member(payload, "error");
            !bool_member(*frame, "ok") && !why.empty())
            return Error{Fault::bad_message, call.method + ": " + why};
        if (!bool_member(*frame, "ok")) return refused_call(call.method, member(*frame, "error"));
        if (call.expect_final && text_member(payload, "status") == "accepted") continue;
        return payload;
    }
}

Result<Json> GatewayClient::call(const Call& call, Deadline deadline) {
    const std::string id = std::to_string(next_id_++);
    if (Done sent = request(id, call.method, call.params, deadline); !sent) return sent.error();
    Result<Json> answer = await_response(id, call, deadline);
    if (!answer && answer.error().fault == Fault::timed_out)
        return Error{Fault::timed_out,
                     "no answer to " + call.method + " in time; try a longer --timeout"};
    return answer;
}

}  // namespace cli
