// Any bytes on the WebSocket of a call's sound: frames are read or refused, messages within their
// bounds, the same however the bytes are cut.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "workers/common/routes/websocket_frames.h"
#include "workers/voice/media_messages.h"

namespace {

constexpr size_t largest = 2'000;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string read(std::string_view bytes, size_t bytes_each) {
    WebSocketFrames frames(largest);
    std::string all;
    while (!bytes.empty()) {
        const size_t size = std::min(bytes_each, bytes.size());
        frames.feed(bytes.substr(0, size));
        bytes.remove_prefix(size);
        while (const auto frame = frames.next()) {
            require(frame->bytes.size() <= largest);
            all += websocket_frame(frame->kind, frame->bytes);
        }
        if (frames.refusal() != 0) break;
    }
    return all + std::to_string(frames.refusal());
}

void look_at(std::string_view text) {
    const auto message = voice::read_media_message(text);
    if (!message) return require(!message.error().what.empty());
    require(message->sound.size() <= voice::most_sound);
    require(message->digit.size() <= 1);
    if (message->kind == voice::MediaMessage::Kind::start) require(!message->call_id.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    require(read(bytes, size + 1) == read(bytes, 3));
    look_at(bytes);
    return 0;
}
