// One WebSocket connection as a client, plain or over TLS: connect, send a text, receive a text,
// each with a deadline. Certificates are verified against the machine's certificates.
//
// libwebsockets is included in websocket.cpp only. After any error the connection is unusable.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "workers/common/base/result.h"

namespace cli {

using Deadline = std::chrono::steady_clock::time_point;

struct Url {
    bool tls = false;
    std::string host;  // without brackets
    std::string port;
    std::string path = "/";

    std::string authority() const;  // for the Host header
};
// "ws://host:port/path", also wss, http and https. bad_message when it is none of these.
Result<Url> parse_url(const std::string& text);

class WebSocket {
  public:
    // unreachable: nobody answers there; bad_message: it is no WebSocket server; timed_out.
    static Result<std::unique_ptr<WebSocket>> connect(const Url& url, Deadline deadline);

    virtual ~WebSocket() = default;
    virtual Done send(const std::string& text, Deadline deadline) = 0;
    // unreachable when the other end closed; `what` then has the reason it gave.
    virtual Result<std::string> receive(Deadline deadline) = 0;
    // Says goodbye, waiting for the answer until the deadline at most.
    virtual void close(Deadline deadline) = 0;

    static constexpr size_t largest_message = 25u << 20;  // as OpenClaw's command line
};

}  // namespace cli
