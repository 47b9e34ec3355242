#include "workers/gateway/http_settings.h"

#include <algorithm>
#include <initializer_list>

namespace gateway {

namespace {

// No owner can have more: the agent takes images of 5,000,000 bytes and documents of 8 MiB, and
// counts three bytes for each four letters of base64, filled or not.
constexpr size_t most_image_bytes = 5'000'000 / 3 * 3;
constexpr size_t most_file_bytes = (8u << 20) / 3 * 3;
constexpr size_t usual_file_bytes = 5u << 20;
constexpr size_t most_file_characters = 200'000;
constexpr int64_t most_redirects = 10;
constexpr int64_t longest_fetch_ms = 60'000;
using Types = std::initializer_list<const char*>;
constexpr Types image_types = {"image/jpeg", "image/png", "image/gif", "image/webp"};
constexpr Types file_types = {"text/plain", "text/markdown",    "text/html",
                              "text/csv",   "application/json", "application/pdf"};

size_t size_member(const Json& value, std::string_view key, size_t otherwise) {
    const int64_t number = int_member(value, key);
    return number > 0 ? static_cast<size_t>(number) : otherwise;
}

MediaLimits read_limits(const Json& part, Types types, size_t usual, size_t most) {
    MediaLimits limits{{types.begin(), types.end()},
                       std::min(size_member(part, "maxBytes", usual), most),
                       size_member(part, "maxChars", most_file_characters),
                       bool_member(part, "allowUrl", true),
                       static_cast<int>(std::clamp<int64_t>(int_member(part, "maxRedirects", 3), 0,
                                                            most_redirects)),
                       std::chrono::milliseconds(std::clamp<int64_t>(
                           int_member(part, "timeoutMs", 10'000), 1, longest_fetch_ms))};
    const Json& allowed = member(part, "allowedMimes");
    if (!allowed.is_array()) return limits;
    limits.types.clear();
    for (const Json& type : allowed)
        if (type.is_string()) limits.types.push_back(type.get<std::string>());
    return limits;
}

}  // namespace

HttpSettings read_http_settings(const Json& config) {
    const Json& endpoints = member_at(config, "gateway.http.endpoints");
    const Json& responses = member(endpoints, "responses");
    HttpSettings settings;
    settings.chat_completions = bool_member(member(endpoints, "chatCompletions"), "enabled");
    settings.responses = bool_member(responses, "enabled");
    settings.responses_body = size_member(responses, "maxBodyBytes", settings.responses_body);
    settings.images =
        read_limits(member(responses, "images"), image_types, most_image_bytes, most_image_bytes);
    settings.files =
        read_limits(member(responses, "files"), file_types, usual_file_bytes, most_file_bytes);
    settings.hooks = read_hook_settings(member(config, "hooks"));
    return settings;
}

}  // namespace gateway
