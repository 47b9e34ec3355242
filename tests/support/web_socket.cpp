#include "tests/support/web_socket.h"

#include <cstdlib>

bool WebSocket::open(uint16_t port, const std::string& headers, const Deadline& deadline,
                     const std::string& host, const std::string& path) {
    *this = {};
    socket_ = TcpSocket::connect(port, deadline);
    if (!socket_.is_open()) return false;
    socket_.send("GET " + path + " HTTP/1.1\r\nHost: " +
                 (host.empty() ? "localhost:" + std::to_string(port) : host) +
                 "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                 headers + "\r\n");
    size_t end;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
        const auto part = socket_.receive(deadline);
        if (!part || part->empty()) return false;
        input_ += *part;
    }
    http_answer_ = input_.substr(0, end + 4);
    input_.erase(0, end + 4);
    http_status_ = std::atoi(http_answer_.c_str() + http_answer_.find(' ') + 1);
    // The accept value that RFC 6455 gives for this key.
    return http_status_ == 101 &&
           http_answer_.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos;
}

bool WebSocket::send_frame(Opcode opcode, std::string_view payload, bool final) {
    std::string frame;
    frame += static_cast<char>((final ? 0x80 : 0) | static_cast<uint8_t>(opcode));
    const auto put = [&](uint64_t size, int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
            frame += static_cast<char>((size >> shift) & 0xff);
    };
    if (payload.size() < 126) {
        put(0x80 | payload.size(), 1);
    } else if (payload.size() < 65536) {
        put(0x80 | 126, 1);
        put(payload.size(), 2);
    } else {
        put(0x80 | 127, 1);
        put(payload.size(), 8);
    }
    const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    frame.append(reinterpret_cast<const char*>(mask), 4);
    for (size_t i = 0; i < payload.size(); ++i)
        frame += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]);
    return socket_.send(frame);
}

std::optional<WebSocket::Frame> WebSocket::take_frame() {
    if (input_.size() < 2) return std::nullopt;
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(input_[i]); };
    uint64_t size = byte(1) & 0x7f;
    size_t header = 2;
    const size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (input_.size() < header + extra) return std::nullopt;
    if (extra > 0) size = 0;
    for (size_t i = 0; i < extra; ++i) size = (size << 8) | byte(header + i);
    header += extra;
    if (input_.size() - header < size) return std::nullopt;
    Frame frame{static_cast<Opcode>(byte(0) & 0x0f), (byte(0) & 0x80) != 0,
                input_.substr(header, size)};
    input_.erase(0, header + size);
    return frame;
}

std::optional<std::string> WebSocket::receive(const Deadline& deadline) {
    while (!closed_) {
        auto frame = take_frame();
        if (!frame) {
            const auto part = socket_.receive(deadline);
            if (!part) return std::nullopt;
            if (part->empty()) note_close({});
            input_ += *part;
            continue;
        }
        if (frame->opcode == Opcode::ping) {
            if (answers_pings_) send_frame(Opcode::pong, frame->payload);
        } else if (frame->opcode == Opcode::close) {
            note_close(frame->payload);
        } else if (frame->opcode != Opcode::pong) {
            message_ += frame->payload;
            if (frame->final) return std::exchange(message_, {});
        }
    }
    return std::nullopt;
}

void WebSocket::note_close(const std::string& payload) {
    closed_ = true;
    close_code_ = 1006;
    if (payload.size() < 2) return;
    close_code_ =
        static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
    close_reason_ = payload.substr(2);
    send_frame(Opcode::close, payload.substr(0, 2));
}
