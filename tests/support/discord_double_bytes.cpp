// Bytes on the wire of the double: HTTP requests, multipart bodies, WebSocket frames.

#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>

#include "tests/support/discord_double_parts.h"

namespace discord_double {

std::string frame(int opcode, const std::string& bytes) {
    std::string made(1, static_cast<char>(0x80 | opcode));
    const size_t size = bytes.size();
    const int more = size < 126 ? 0 : size < 65536 ? 2 : 8;
    made += static_cast<char>(more == 0 ? size : more == 2 ? 126 : 127);
    for (int shift = 8 * (more - 1); shift >= 0; shift -= 8)
        made += static_cast<char>(size >> shift);
    return made + bytes;
}

std::string text_frames(const std::string& text, size_t most) {
    if (most == 0 || text.size() <= most) return frame(1, text);
    std::string made;
    for (size_t at = 0; at < text.size(); at += most) {
        std::string piece = frame(at == 0 ? 1 : 0, text.substr(at, most));
        if (at + most < text.size()) piece[0] = static_cast<char>(piece[0] & 0x7f);  // not the last
        made += piece;
    }
    return made;
}

std::string close_frame(int code, const std::string& reason) {
    if (code == 0) return frame(8, "");
    return frame(8, std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + reason);
}

std::string chunked(const std::string& body) {
    constexpr size_t most = 100;
    std::string made;
    for (size_t at = 0; at < body.size(); at += most) {
        const std::string piece = body.substr(at, most);
        char size[16];
        std::snprintf(size, sizeof size, "%zx;ext=1\r\n", piece.size());
        made += size + piece + "\r\n";
    }
    return made + "0\r\n\r\n";
}

std::string websocket_accept(const std::string& key) {
    const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
    char base64[32];
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), digest, 20);
    return base64;
}

int take_masked_frame(std::string& bytes, std::string& text) {
    if (bytes.size() < 2) return -1;
    size_t size = static_cast<unsigned char>(bytes[1]) & 0x7f;
    const size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (bytes.size() < 6 + more) return -1;
    if (more) {
        size = 0;
        for (size_t i = 0; i < more; ++i)
            size = size << 8 | static_cast<unsigned char>(bytes[2 + i]);
    }
    if (bytes.size() < 6 + more + size) return -1;
    const std::string mask = bytes.substr(2 + more, 4);
    text = bytes.substr(6 + more, size);
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(text[i] ^ mask[i % 4]);
    const int opcode = bytes[0] & 15;
    bytes.erase(0, 6 + more + size);
    return opcode;
}

size_t utf16_units(const std::string& text) {
    size_t units = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    return units;
}

bool read_request(TlsStream& stream, std::string& head, std::string& body) {
    head = stream.read_until("\r\n\r\n");
    body.clear();
    if (head.empty()) return false;
    std::string lower = head;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (const size_t at = lower.find("\r\ncontent-length:"); at != std::string::npos) {
        const size_t size = std::stoul(lower.substr(at + 17));
        if (size == 0) return true;
        body = stream.read_exactly(size);
        return !body.empty();
    }
    if (lower.find("\r\ntransfer-encoding: chunked") == std::string::npos) return true;
    for (;;) {
        const std::string line = stream.read_until("\r\n");
        if (line.empty()) return false;
        const size_t size = std::stoul(line, nullptr, 16);
        const std::string chunk = stream.read_exactly(size + 2);
        if (chunk.empty()) return false;
        if (size == 0) return true;
        body.append(chunk, 0, size);
    }
}

void read_multipart(const std::string& body, const std::string& content_type,
                    std::map<std::string, std::string>& fields,
                    std::map<std::string, std::string>& files) {
    const auto attribute = [](const std::string& text, const std::string& name) {
        const size_t at = text.find(name + "=\"");
        if (at == std::string::npos) return std::string();
        const size_t begin = at + name.size() + 2;
        return text.substr(begin, text.find('"', begin) - begin);
    };
    const size_t at = content_type.find("boundary=");
    if (at == std::string::npos) return;
    const std::string boundary = "--" + content_type.substr(at + 9);
    size_t begin = body.find(boundary);
    while (begin != std::string::npos) {
        const size_t end = body.find("\r\n" + boundary, begin + boundary.size());
        if (end == std::string::npos) return;
        const std::string part =
            body.substr(begin + boundary.size() + 2, end - begin - boundary.size() - 2);
        const size_t split = part.find("\r\n\r\n");
        if (split == std::string::npos) return;
        const std::string head = part.substr(0, split);
        const std::string content = part.substr(split + 4);
        const std::string file = attribute(head, "filename");
        if (file.empty())
            fields[attribute(head, " name")] = content;
        else
            files[file] = content;
        begin = end + 2;
    }
}

}  // namespace discord_double
