// Inside the double of Discord: a request, a connection of the gateway, frames.
#pragma once

#include <deque>
#include <string>

#include "tests/support/discord_double.h"

struct DiscordDouble::Request {
    Seen seen;
    bool is_upgrade = false;
    std::string key;  // Sec-WebSocket-Key
};

struct DiscordDouble::Gateway {
    void queue(std::string frame) {
        outgoing.push_back(std::move(frame));
        stream->wake();
    }

    TlsStream* stream = nullptr;
    std::deque<std::string> outgoing;  // frames
    std::string session;               // empty: neither identified nor resumed
    bool is_over = false;
    bool breaks = false;  // the next frame is cut short
};

namespace discord_double {

std::string frame(int opcode, const std::string& bytes);
// As a text, in frames of no more than so many bytes each; 0: in one.
std::string text_frames(const std::string& text, size_t most);
std::string close_frame(int code, const std::string& reason);
// A body as Transfer-Encoding: chunked has it.
std::string chunked(const std::string& body);
std::string websocket_accept(const std::string& key);
// Takes a whole frame of a client from the front of `bytes`, unmasked into `text`; its opcode, or
// -1 when more bytes are needed.
int take_masked_frame(std::string& bytes, std::string& text);
size_t utf16_units(const std::string& text);
// One request with its body; false when the peer has gone.
bool read_request(TlsStream& stream, std::string& head, std::string& body);
// The parts of a multipart body: name to content, file names to content.
void read_multipart(const std::string& body, const std::string& content_type,
                    std::map<std::string, std::string>& fields,
                    std::map<std::string, std::string>& files);

}  // namespace discord_double
