// WebSocket connections as a client (RFC 6455), by libwebsockets.
//
// Promises: what ClientContext promises; no compression; messages are put together up to a size,
// beyond which the connection ends with 1009; text that is no UTF-8 ends it with 1007; what waits
// to be sent is bounded. Never logs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/common/client_context.h"
#include "workers/common/uv_loop.h"

struct WebSocketRequest {
    std::string url;  // wss://…
    std::vector<std::pair<std::string, std::string>> headers;
    std::string protocol;                               // asked for; empty: none
    std::chrono::milliseconds connect_timeout{15'000};  // until the opening is answered
    size_t largest_message = 4 * 1024 * 1024;
    size_t most_unsent = 1024 * 1024;  // bytes
};

struct WebSocketEnd {
    // The peer's close code; 1005: a close without one; 1006: no close was seen.
    int code = 1006;
    std::string reason;
    bool was_open = false;
    // Of the answer that refused the opening; 0: there was none.
    int http_status = 0;
    // What happened, naming the host: unreachable, timed_out, out_of_room, bad_message.
    Error error;
};

// Called from the loop. Each may destroy the socket.
class WebSocketReceiver {
  public:
    virtual ~WebSocketReceiver() = default;
    virtual void websocket_opened() = 0;
    virtual void websocket_message(std::string_view message, bool is_binary) = 0;
    virtual void websocket_pong() {}
    // The last call.
    virtual void websocket_ended(const WebSocketEnd& end) = 0;
};

// Destroying it cuts the connection without a word.
class WebSocket {
  public:
    virtual ~WebSocket() = default;
    // out_of_room when too much waits; unreachable when it is not open.
    virtual Done send(std::string_view text) = 0;
    virtual Done send_binary(std::string_view bytes) = 0;
    virtual Done ping() = 0;
    // Sends what waits, then the close; the end comes with the peer's answer, or within five
    // seconds.
    virtual void close(int code, std::string_view reason = {}) = 0;
    virtual size_t unsent() const = 0;
    // From now on that one is called.
    virtual void hand_over(WebSocketReceiver& receiver) = 0;
};

class WebSocketClient {
  public:
    // Outlives its sockets.
    WebSocketClient(UvLoop& loop, ClientContext& client);
    ~WebSocketClient();
    WebSocketClient(const WebSocketClient&) = delete;
    WebSocketClient& operator=(const WebSocketClient&) = delete;

    // Never calls the receiver from within.
    std::unique_ptr<WebSocket> open(WebSocketRequest request, WebSocketReceiver& receiver);

  private:
    struct State;

    UvLoop& loop_;
    ClientContext& client_;
    std::unique_ptr<State> state_;
};
