// One model as a provider needs to know it: where it is, how it is spoken to, what it can do and
// what it costs. Plain values, filled by the catalogue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "workers/agent/model_types.h"

namespace agent {

enum class Api : int {
    anthropic_messages,
    openai_responses,
    chat_completions,
    demo,     // answered by this process
    unknown,  // named in the configuration, not spoken here
};

// "anthropic-messages", as in the configuration and in transcripts.
const char* api_name(Api api);
Api api_from_name(std::string_view name);

// Dollars per million tokens.
struct Price {
    double input = 0;
    double output = 0;
    double cache_read = 0;
    double cache_write = 0;
};

// Where servers of the same API differ.
struct Compatibility {
    bool store = false;                  // knows the member "store"
    bool developer_role = false;         // wants "developer" instead of "system" for reasoning
    bool reasoning_effort = true;        // knows the member "reasoning_effort"
    bool max_completion_tokens = false;  // else "max_tokens"
    bool short_call_ids = false;         // a call's id is nine letters and digits
    bool named_results = false;          // a result names the tool
    bool documents = false;              // takes files (PDF); only chat completions differ in it
};

struct Model {
    ModelName name;
    std::string title;
    Api api = Api::unknown;
    std::string api_text;  // as configured, for messages
    std::string base_url;
    bool reasoning = false;
    bool images = false;
    Price price;
    int64_t context_window = 200'000;
    int64_t max_tokens = 8192;
    bool max_tokens_configured = false;  // by the owner, not by the built-in table
    // Of agents.defaults.models.<model>.params; 0 and empty: not said.
    std::optional<double> temperature;
    int64_t asked_tokens = 0;    // the longest answer
    std::string cache_ttl;       // "5m", "1h": how long the service keeps what it was told to
    bool bearer_header = false;  // the key also as "Authorization: Bearer"
    std::vector<std::pair<std::string, std::string>> headers;
    Compatibility compatibility;
};

}  // namespace agent
