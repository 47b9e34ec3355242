// WebSocket frames by the byte, valid or not, for tests of how strictly a server reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace websocket_bytes {

struct Frame {
    unsigned opcode = 1;
    std::string_view payload = {};
    bool final = true;
    unsigned reserved = 0;  // the three bits, as a number
    bool masked = true;
    // Bytes of the length field: 0, 2 or 8; -1: as few as the length takes.
    int length_bytes = -1;
};

inline std::string bytes_of(const Frame& frame) {
    std::string out;
    out += static_cast<char>((frame.final ? 0x80 : 0) | (frame.reserved << 4) | frame.opcode);
    const uint64_t size = frame.payload.size();
    int length_bytes = frame.length_bytes;
    if (length_bytes < 0) length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    const unsigned announced = length_bytes == 0   ? static_cast<unsigned>(size)
                               : length_bytes == 2 ? 126
                                                   : 127;
    out += static_cast<char>((frame.masked ? 0x80 : 0) | announced);
    for (int shift = 8 * (length_bytes - 1); shift >= 0; shift -= 8)
        out += static_cast<char>(size >> shift);
    constexpr char mask[4] = {0x37, '\xfa', 0x21, 0x3d};
    if (frame.masked) out.append(mask, sizeof mask);
    for (size_t i = 0; i < frame.payload.size(); ++i)
        out += static_cast<char>(frame.payload[i] ^ (frame.masked ? mask[i % 4] : 0));
    return out;
}

inline std::string close_payload(unsigned code, std::string_view reason = {}) {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    return payload.append(reason);
}

// One message in frames of that many bytes.
inline std::string fragmented(unsigned opcode, std::string_view text, size_t bytes_each) {
    std::string out;
    size_t at = 0;
    do {
        const std::string_view part = text.substr(at, bytes_each);
        Frame frame{.opcode = at == 0 ? opcode : 0, .payload = part};
        at += part.size();
        frame.final = at >= text.size();
        out += bytes_of(frame);
    } while (at < text.size());
    return out;
}

inline std::vector<std::string> chopped(const std::string& bytes, size_t bytes_each) {
    std::vector<std::string> parts;
    for (size_t at = 0; at < bytes.size(); at += bytes_each)
        parts.push_back(bytes.substr(at, bytes_each));
    return parts;
}

}  // namespace websocket_bytes
