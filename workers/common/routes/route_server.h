// The other end of a door: takes the requests that are handed on to this worker, each on a
// connection of its own.
//
// Promises: the handler is given a request once its head is there and before its body is read, so
// that what cannot show a signature or a secret is refused unread; a body is read only as far as
// the handler allows, and in five seconds; so many connections at a time and no more. Nothing here
// says that a request is genuine: that is the handler's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/routes/request_head.h"

class RouteConnection;

struct RouteAnswer {
    int status = 200;
    std::string body = {};
    std::string content_type = "text/plain; charset=utf-8";
    // Further headers: name and value.
    std::vector<std::pair<std::string, std::string>> headers = {};
};

// A connection that is nobody's any more but the receiver's: an opened WebSocket.
struct RouteStream {
    Fd descriptor;            // non-blocking, watched by nobody
    std::string first_bytes;  // what came behind the head
};

// What becomes of one request. Copies stand for the same request; it may end at any time, and what
// is done then does nothing. Exactly one of the three, or after read_body() one answer().
class RouteCall {
  public:
    using Body = std::function<void(std::string body, RouteCall call)>;

    explicit RouteCall(std::weak_ptr<RouteConnection> connection)
        : connection_(std::move(connection)) {}

    void answer(RouteAnswer answer) const;
    // Calls `then` with the whole body. One that is larger is answered 413, one that does not come
    // 408, without a call.
    void read_body(size_t most_bytes, Body then) const;
    // The receiver writes the 101 itself. Without a descriptor when the connection has ended.
    RouteStream take_stream() const;
    // The other side is there and has no answer yet.
    bool is_open() const;

  private:
    std::weak_ptr<RouteConnection> connection_;
};

class RouteServer {
  public:
    struct Limits {
        size_t most_connections = 128;
        std::chrono::milliseconds head_time{5'000};
        std::chrono::milliseconds body_time{5'000};
        // From the whole request to the answer; then it is answered 504.
        std::chrono::milliseconds answer_time{60'000};
    };
    using Handler = std::function<void(const RequestHead& head, RouteCall call)>;

    // Takes over the listening sockets: worker.handles("listener:routes").
    RouteServer(Loop& loop, const std::vector<int>& listeners, Limits limits, Handler handler);
    ~RouteServer();
    RouteServer(const RouteServer&) = delete;
    RouteServer& operator=(const RouteServer&) = delete;

    // Takes no more; what is under way goes on.
    void stop_taking();
    size_t open() const { return connections_.size(); }

    // For its connections.
    const Limits& limits() const { return limits_; }
    const Handler& handler() const { return handler_; }
    void forget(RouteConnection& connection);

  private:
    void accept_some(int listener);
    void watch_listeners(unsigned events);

    Loop& loop_;
    Limits limits_;
    Handler handler_;
    std::vector<Fd> listeners_;
    std::vector<Loop::Registration> watches_;
    Loop::Registration pause_;
    std::unordered_map<RouteConnection*, std::shared_ptr<RouteConnection>> connections_;
};
