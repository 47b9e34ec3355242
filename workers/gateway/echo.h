// Sends every WebSocket message back as it came: what a conformance suite needs to judge the server
// by. Served at the path that HARDSHELL_ECHO_PATH names, to anybody and without a credential, so
// never in an owner's service; nowhere when the variable is not set.
#pragma once

#include <libwebsockets.h>

#include <deque>
#include <string>
#include <string_view>

namespace gateway {

class Echo {
  public:
    // Bytes of a message; the largest that the usual suites send. A larger one is refused with
    // 1009.
    static constexpr size_t largest_message = 16u << 20;
    // Bytes that wait for a slow reader before nothing more is read from it.
    static constexpr size_t most_waiting = 4u << 20;

    explicit Echo(lws* wsi) : wsi_(wsi) {}

    // What a callback returns: not 0 ends the connection.
    int receive(std::string_view part);
    int write_some();

  private:
    struct Message {
        std::string bytes;  // with room in front for libwebsockets
        bool binary = false;
    };
    static Message fresh();

    lws* wsi_;
    Message incoming_ = fresh();
    std::deque<Message> waiting_;
    size_t waiting_bytes_ = 0;
    bool paused_ = false;
};

}  // namespace gateway
