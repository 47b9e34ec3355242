// What a model is told before the conversation: who it is, what it can use, what the owner wrote in
// the workspace, the day.
//
// Promises the same text for the same files and day, in the same order: providers cache by prefix.
#pragma once

#include <string>
#include <string_view>

#include "workers/agent/agent_config.h"

namespace agent {

inline constexpr size_t most_bootstrap_characters = 20'000;

// `tools` are the definitions it is given; `extra` is appended (a caller's own instructions).
// `session_key`: which files it may know; none: all of them. `model`: the one that is asked.
std::string system_prompt(const AgentConfig& config, const AgentEntry& agent, const Json& tools,
                          int64_t now_ms, const std::string& extra,
                          std::string_view session_key = {}, std::string_view model = {});
// The first 70 % and the last 20 % of `most` bytes with a mark between; cuts no character in two.
std::string shortened(const std::string& text, size_t most);

}  // namespace agent
