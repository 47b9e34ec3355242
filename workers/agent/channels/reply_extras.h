// What a person sees around an answer when their session is set to show it: the model's thoughts
// before, what it took behind. Pure.
#pragma once

#include <string>

#include "workers/common/base/json.h"

namespace agent {

// Of an answer in transcript form; empty when it has none.
std::string shown_thoughts(const Json& message);

// "Usage: 12k in / 800 out · est $0.05"; `mode` is that of /usage, `meta` what a run's payload has
// as agentMeta. Empty: nothing is to be shown, or nothing was counted.
std::string usage_footer(const std::string& mode, const Json& meta, const std::string& session_key);

}  // namespace agent
