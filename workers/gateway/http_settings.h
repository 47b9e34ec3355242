// What the owner's configuration says about plain HTTP: which endpoints there are, and their
// limits. Never fails: a member that is missing or of the wrong kind has its default.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/gateway/hook_settings.h"

namespace gateway {

// What a request may carry besides text.
struct MediaLimits {
    std::vector<std::string> types;
    size_t most_bytes = 0;  // decoded, each
    size_t most_characters = SIZE_MAX;
    // Of those that are named by an address.
    bool by_address = true;
    int most_redirects = 3;
    std::chrono::milliseconds time_limit{10'000};
};

struct HttpSettings {
    static constexpr size_t chat_body = 1u << 20;
    static constexpr size_t tool_body = 2u << 20;

    bool chat_completions = false;
    bool responses = false;
    size_t responses_body = 20u << 20;
    MediaLimits images;
    MediaLimits files;
    HookSettings hooks;
};

HttpSettings read_http_settings(const Json& config);

}  // namespace gateway
