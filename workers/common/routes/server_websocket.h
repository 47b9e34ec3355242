// The owner's end of a WebSocket that a door has handed on.
//
// Promises: answers the opening; pings are answered, messages put together up to a size; what
// breaks the protocol or a limit ends it with the code that says so; what waits to be sent is
// bounded; who does not answer a close is cut off. Nothing is called from within a call of this.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "workers/common/base/result.h"
#include "workers/common/routes/route_server.h"
#include "workers/common/routes/watched_socket.h"
#include "workers/common/routes/websocket_frames.h"

class ServerWebSocket {
  public:
    struct Limits {
        size_t largest_message = 64 * 1024;
        size_t most_unsent = 256 * 1024;
        std::chrono::milliseconds close_patience{3'000};
    };
    // Each may destroy the socket.
    struct Handlers {
        std::function<void(std::string_view text)> message;
        // The last call; `why` is for the log.
        std::function<void(const std::string& why)> ended;
    };

    // `head` as refusal_of_opening() has found it good.
    ServerWebSocket(Loop& loop, RouteStream stream, const RequestHead& head, Limits limits,
                    Handlers handlers);
    // Cuts the connection.
    ~ServerWebSocket();
    ServerWebSocket(const ServerWebSocket&) = delete;
    ServerWebSocket& operator=(const ServerWebSocket&) = delete;

    // out_of_room when the peer does not take what it is sent; unreachable when it is closing.
    Done send(std::string_view text);
    // After what waits. No message is given any more.
    void close(int code, std::string_view reason);

  private:
    void is_ready(unsigned events);
    void read_messages();
    void take(const WebSocketFrame& frame);
    void put(WebSocketFrame::Kind kind, std::string_view bytes);
    void write();
    void end(std::string why);

    Loop& loop_;
    Limits limits_;
    Handlers handlers_;
    WatchedSocket socket_;
    WebSocketFrames frames_;
    std::string unsent_;
    bool is_closing_ = false;  // ours is sent
    bool is_closed_ = false;   // theirs has come
    std::string why_;
    Loop::Registration soon_;
    Loop::Registration deadline_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with calls under way
};

// The status that refuses the opening of a WebSocket; 0: it is a good one (RFC 6455, 4.2.1).
int refusal_of_opening(const RequestHead& head);
