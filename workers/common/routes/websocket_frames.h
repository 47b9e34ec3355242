// The frames of a WebSocket (RFC 6455) as a server reads and writes them. Pure: no socket.
//
// Promises: what a client may not send is refused with the close code that says so, an unmasked
// frame as well as one whose length is not written in as few bytes as it takes; no more is kept
// than one message of the largest size. Text is given as it came: whoever reads it looks whether
// it is UTF-8. No extension is known.
//
// Here and not by libwebsockets, which takes no connection whose head somebody else has read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

struct WebSocketFrame {
    enum class Kind : uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
    Kind kind = Kind::text;
    std::string bytes;
};

class WebSocketFrames {
  public:
    explicit WebSocketFrames(size_t largest_message) : largest_(largest_message) {}

    void feed(std::string_view bytes) {
        unread_.erase(0, std::exchange(taken_, 0));
        unread_.append(bytes);
    }
    // The next whole message or control frame; nothing until more has come, or refusal() is set.
    std::optional<WebSocketFrame> next();
    // The code to close with: 1002 against the protocol, 1009 too large; 0: all is well.
    int refusal() const { return refusal_; }

  private:
    // Of the frame in front.
    struct Head {
        bool is_final = false;
        unsigned opcode = 0;
        uint64_t size = 0;
        size_t head_size = 0;
    };
    std::optional<Head> read_head();
    int refusal_of(const Head& head) const;
    std::optional<WebSocketFrame> take(const Head& head);

    size_t largest_;
    // Not moved up for each of many small frames.
    std::string_view rest() const { return std::string_view(unread_).substr(taken_); }

    std::string unread_;
    size_t taken_ = 0;  // of unread_
    std::string message_;
    unsigned begun_ = 0;  // opcode of the message whose further frames are to come; 0: none
    int refusal_ = 0;
};

// One whole, unmasked frame.
std::string websocket_frame(WebSocketFrame::Kind kind, std::string_view bytes);
// The payload of a close frame: at most 123 bytes of the reason.
std::string websocket_close(int code, std::string_view reason);
