// A small RFC 6455 client: enough to talk to the gateway, and to misbehave towards it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/tcp_socket.h"

// Its name is also that of the product's client; both may be in one program.
inline namespace test_web_socket {

class WebSocket {
  public:
    enum class Opcode : uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

    // `headers` are whole lines; an empty host means localhost:<port>. http_status() says how the
    // server answered.
    bool open(uint16_t port, const std::string& headers, const Deadline& deadline,
              const std::string& host = {}, const std::string& path = "/");
    int http_status() const { return http_status_; }
    const std::string& http_answer() const { return http_answer_; }

    bool send_text(std::string_view text) { return send_frame(Opcode::text, text); }
    bool send_frame(Opcode opcode, std::string_view payload, bool final = true);
    bool send_bytes(std::string_view bytes) { return socket_.send(bytes); }
    // The next text or binary message; nothing when the socket was closed or the deadline passed
    // (is_closed tells which). Pings are answered, unless told not to.
    std::optional<std::string> receive(const Deadline& deadline);
    void answer_pings(bool yes) { answers_pings_ = yes; }

    bool is_closed() const { return closed_; }
    // Of the close frame received; 1006 when the connection ended without one.
    int close_code() const { return close_code_; }
    const std::string& close_reason() const { return close_reason_; }
    void drop() { socket_.close(); }
    int descriptor() const { return socket_.descriptor(); }

  private:
    struct Frame {
        Opcode opcode;
        bool final;
        std::string payload;
    };
    std::optional<Frame> take_frame();
    void note_close(const std::string& payload);

    TcpSocket socket_;
    std::string input_;
    std::string message_;
    std::string http_answer_;
    std::string close_reason_;
    int http_status_ = 0;
    int close_code_ = 0;
    bool closed_ = false;
    bool answers_pings_ = true;
};

}  // namespace test_web_socket
