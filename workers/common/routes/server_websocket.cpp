#include "workers/common/routes/server_websocket.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

namespace {

constexpr size_t piece = 64 * 1024;
constexpr size_t key_size = 24;  // base64 of 16 bytes
constexpr const char* accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string accept_of(std::string_view key) {
    const std::string text = std::string(key) + accept_suffix;
    unsigned char digest[20];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
    char base64[32];
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), digest, sizeof digest);
    return base64;
}

bool is_key(std::string_view key) {
    return key.size() == key_size && key.ends_with("==") &&
           std::all_of(key.begin(), key.end() - 2, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/';
           });
}

}  // namespace

int refusal_of_opening(const RequestHead& head) {
    if (head.method != "GET") return 405;
    if (!head.opens_websocket || head.header("sec-websocket-version") != "13") return 426;
    return is_key(head.header("sec-websocket-key")) ? 0 : 400;
}

ServerWebSocket::ServerWebSocket(Loop& loop, RouteStream stream, const RequestHead& head,
                                 Limits limits, Handlers handlers)
    : loop_(loop),
      limits_(limits),
      handlers_(std::move(handlers)),
      socket_(loop, [this](unsigned events) { is_ready(events); }),
      frames_(limits.largest_message) {
    socket_.open(std::move(stream.descriptor));
    frames_.feed(stream.first_bytes);
    unsent_ =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_of(head.header("sec-websocket-key")) + "\r\n\r\n";
    soon_ = loop_.after(std::chrono::milliseconds(0), [this] { is_ready(Loop::writable); });
}

ServerWebSocket::~ServerWebSocket() {
    *alive_ = false;
}

Done ServerWebSocket::send(std::string_view text) {
    if (is_closing_ || is_closed_)
        return Error{Fault::unreachable, "the connection is being closed"};
    if (unsent_.size() + text.size() > limits_.most_unsent)
        return Error{Fault::out_of_room, "the other side does not take what it is sent"};
    put(WebSocketFrame::Kind::text, text);
    return {};
}

void ServerWebSocket::close(int code, std::string_view reason) {
    if (std::exchange(is_closing_, true)) return;
    why_ = std::string(reason);
    put(WebSocketFrame::Kind::close, websocket_close(code, reason));
    deadline_ = loop_.after(limits_.close_patience, [this] { end(why_); });
}

// Written from the loop, so that a peer that is gone is told from there.
void ServerWebSocket::put(WebSocketFrame::Kind kind, std::string_view bytes) {
    unsent_ += websocket_frame(kind, bytes);
    socket_.want(Loop::readable | Loop::writable);
}

void ServerWebSocket::is_ready(unsigned events) {
    const auto alive = alive_;
    std::string bytes;
    const bool has_ended = (events & Loop::readable) && socket_.read(bytes, piece) < 0;
    // Behind a refusal or a close frame nothing is read.
    if (frames_.refusal() == 0 && !is_closed_) frames_.feed(bytes);
    read_messages();
    if (!*alive) return;
    if (has_ended) return end(why_.empty() ? "the other side has left" : why_);
    write();
}

void ServerWebSocket::read_messages() {
    const auto alive = alive_;
    while (*alive && !is_closed_) {
        const std::optional<WebSocketFrame> frame = frames_.next();
        if (!frame) break;
        take(*frame);
    }
    // It stays open until the other side has left: closed on what was not read, a connection would
    // take the close frame with it.
    if (*alive && frames_.refusal() != 0)
        close(frames_.refusal(),
              frames_.refusal() == 1009 ? "a message is too large" : "this is no WebSocket frame");
}

void ServerWebSocket::take(const WebSocketFrame& frame) {
    switch (frame.kind) {
        case WebSocketFrame::Kind::text:
            if (const auto handler = handlers_.message; !is_closing_) handler(frame.bytes);
            return;
        case WebSocketFrame::Kind::binary:
            return close(1003, "binary messages are not read");
        case WebSocketFrame::Kind::ping:
            if (!is_closing_ && unsent_.size() < limits_.most_unsent)
                put(WebSocketFrame::Kind::pong, frame.bytes);
            return;
        case WebSocketFrame::Kind::pong:
            return;
        case WebSocketFrame::Kind::close:
            is_closed_ = true;
            return close(1000, "the other side has closed it");
    }
}

void ServerWebSocket::write() {
    if (!socket_.write(unsent_)) return end(why_.empty() ? "the other side has left" : why_);
    if (unsent_.empty() && is_closing_ && is_closed_) return end(why_);
    socket_.want(unsent_.empty() ? Loop::readable : Loop::readable | Loop::writable);
}

void ServerWebSocket::end(std::string why) {
    soon_.reset();
    deadline_.reset();
    is_closing_ = true;
    socket_.close();
    const auto ended = std::exchange(handlers_.ended, nullptr);
    if (ended) ended(why);
}
