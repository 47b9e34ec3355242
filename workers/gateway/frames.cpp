#include "workers/gateway/frames.h"

#include "workers/gateway/frame_id.h"
#include "workers/gateway/shape.h"

namespace gateway {

namespace {

constexpr std::string_view request_type[] = {"req"};
constexpr Field request_fields[] = {
    {"type", Kind::text, true, nullptr, request_type},
    {"id", Kind::filled_text, true},
    {"method", Kind::filled_text, true},
    {"params", Kind::any},
};
constexpr Shape request_shape{request_fields};

}  // namespace

FrameReading read_request(std::string_view text) {
    FrameReading reading;
    Result<Json> parsed = parse_json(text);
    if (!parsed) {
        reading.id = id_of_broken_frame(text);
        if (reading.id.empty()) reading.id = "invalid";
        reading.faults = parsed.error().what;
        return reading;
    }
    reading.faults = faults_of(*parsed, request_shape);
    reading.id = text_member(*parsed, "id");
    if (reading.id.empty()) reading.id = "invalid";
    if (!reading.faults.empty()) {
        reading.outcome = FrameReading::Outcome::no_request;
        return reading;
    }
    reading.outcome = FrameReading::Outcome::request;
    reading.request.id = reading.id;
    reading.request.method = text_member(*parsed, "method");
    if (const auto params = parsed->find("params"); params != parsed->end())
        reading.request.params = std::move(*params);
    return reading;
}

Failure invalid_request(std::string message) {
    return {std::string(code::invalid_request), std::move(message)};
}

Failure unavailable(std::string message, bool retryable) {
    Failure failure{std::string(code::unavailable), std::move(message)};
    failure.retryable = retryable;
    return failure;
}

std::string json_quoted(std::string_view text) {
    std::string quoted;
    append_quoted(quoted, text);
    return quoted;
}

std::string cut_text(std::string_view text, size_t most) {
    if (text.size() <= most) return std::string(text);
    size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end));
}

std::string response_head(std::string_view id) {
    std::string text = R"({"type":"res","id":)";
    append_quoted(text, id);
    return text += R"(,"ok":true)";
}

std::string failure_text(std::string_view id, const Failure& failure,
                         std::string_view payload_json) {
    std::string text = R"({"type":"res","id":)" + json_quoted(id) + R"(,"ok":false)";
    if (!payload_json.empty()) text.append(R"(,"payload":)").append(payload_json);
    text += R"(,"error":{"code":)" + json_quoted(failure.code) + R"(,"message":)" +
            json_quoted(failure.message);
    if (!failure.details_json.empty()) text += R"(,"details":)" + failure.details_json;
    if (failure.retryable) text += R"(,"retryable":true)";
    if (failure.retry_after_ms)
        text += R"(,"retryAfterMs":)" + std::to_string(*failure.retry_after_ms);
    return text += "}}";
}

std::string event_text(std::string_view event, std::string_view payload_json,
                       std::optional<uint64_t> sequence, std::optional<StateVersion> version) {
    std::string text = R"({"type":"event","event":)" + json_quoted(event);
    if (!payload_json.empty()) text.append(R"(,"payload":)").append(payload_json);
    if (sequence) text += R"(,"seq":)" + std::to_string(*sequence);
    if (version)
        text += R"(,"stateVersion":{"presence":)" + std::to_string(version->presence) +
                R"(,"health":)" + std::to_string(version->health) + "}";
    return text += '}';
}

}  // namespace gateway
