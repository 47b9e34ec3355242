// The three frame types of the WebSocket protocol: reading requests, writing responses and events.
//
// Clients drop frames with members they do not know, so nothing is ever added to the three types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"

namespace gateway {

inline constexpr int protocol_version = 3;
inline constexpr size_t largest_frame = 524288;
// Before a client has shown who it is.
inline constexpr size_t largest_early_frame = 65536;

namespace code {
inline constexpr std::string_view invalid_request = "INVALID_REQUEST";
inline constexpr std::string_view unavailable = "UNAVAILABLE";
inline constexpr std::string_view not_paired = "NOT_PAIRED";
}  // namespace code

struct RequestFrame {
    std::string id;
    std::string method;
    // Absent and null read the same.
    Json params;
};

struct FrameReading {
    enum class Outcome { request, no_request, no_json };
    Outcome outcome = Outcome::no_json;
    RequestFrame request;
    // Unless it is a request: the frame's id when one can be found, else "invalid", and what is
    // wrong with it.
    std::string id;
    std::string faults;
};

FrameReading read_request(std::string_view text);

struct Failure {
    std::string code;
    std::string message;
    std::string details_json = {};
    // Set with retryable failures only.
    std::optional<int64_t> retry_after_ms = {};
    bool retryable = false;
};

Failure invalid_request(std::string message);
Failure unavailable(std::string message, bool retryable);

struct StateVersion {
    int64_t presence = 1;
    int64_t health = 1;
};

// The `…_json` arguments are JSON texts and go in as they are; empty leaves the member out.
// All that goes before the payload, a member; a brace goes after it.
std::string response_head(std::string_view id);
std::string failure_text(std::string_view id, const Failure& failure,
                         std::string_view payload_json = {});
std::string event_text(std::string_view event, std::string_view payload_json,
                       std::optional<uint64_t> sequence = {},
                       std::optional<StateVersion> version = {});

// A JSON string literal; invalid UTF-8 is replaced.
std::string json_quoted(std::string_view text);
// At most `most` bytes, never splitting a UTF-8 sequence.
std::string cut_text(std::string_view text, size_t most);

}  // namespace gateway
