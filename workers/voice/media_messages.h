// The messages of Twilio's media streams. Pure.
//
// twilio.com/docs/voice/media-streams/websocket-messages
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"

namespace voice {

struct MediaMessage {
    enum class Kind { connected, start, media, dtmf, mark, stop, other };
    Kind kind = Kind::other;
    std::string stream_id;
    // start
    std::string account;
    std::string call_id;              // Twilio's
    std::string token;                // the <Parameter> of that name
    bool is_telephone_sound = false;  // mu-law, 8 kHz, one channel
    // media: base64, of the caller; empty for another track
    std::string sound;
    std::string digit;  // dtmf
    std::string mark;
};

// bad_message: it is none, or a member that it needs is missing or of no use.
Result<MediaMessage> read_media_message(std::string_view text);

std::string sound_message(const std::string& stream_id, std::string_view mulaw);
// Comes back when everything before it has been heard, or was cleared.
std::string mark_message(const std::string& stream_id, const std::string& name);
// What was sent and is not heard yet is dropped.
std::string clear_message(const std::string& stream_id);

// Bytes of base64 in one message: Twilio sends 160 bytes of sound, others up to a second.
inline constexpr size_t most_sound = 12'000;

}  // namespace voice
