// Old results of tools, shortened in what a model is sent (agents.defaults.contextPruning). The
// transcript keeps them whole. Pure.
//
// Promises the same messages for the same conversation, whichever process asks, until it has rested
// for the time to live once more: a provider's cache that is still warm stays of use. So what is
// shortened depends on what lies before the last such rest, and on nothing after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "workers/agent/model_types.h"
#include "workers/common/base/json.h"

namespace agent {

// Ratios are of the model's context window, at four bytes a token; sizes are bytes.
struct PruningSettings {
    bool on = false;
    int64_t ttl_ms = 300'000;
    size_t keep_last_assistants = 3;  // answers before the rest, with all that follows them
    double soft_trim_ratio = 0.3;     // from here on long results lose their middle
    double hard_clear_ratio = 0.5;    // and if that is not enough, the oldest all of their text
    size_t least_clearable = 50'000;  // of all results together, else none is cleared
    size_t most_untrimmed = 4'000;
    size_t head = 1'500;
    size_t tail = 1'500;
    bool clears = true;
    std::string placeholder = "[Old tool result content cleared]";
    std::vector<std::string> tools;       // patterns; none: every tool's
    std::vector<std::string> kept_tools;  // never of these
};
PruningSettings pruning_settings(const Json& config);

void prune_results(std::vector<Message>& messages, const PruningSettings& settings,
                   int64_t window_tokens);

}  // namespace agent
