// Writes a new openclaw.json: exactly the bytes given, whole or not at all, never over a text that
// the caller has not seen, with the five texts before it kept as .bak, .bak.1 … .bak.4.
#pragma once

#include <string>
#include <string_view>

#include "workers/common/base/result.h"

namespace planner {

// Whether the caller may replace the file: `base_hash` is the SHA-256 of its present text. Without
// a file anything may be written.
Done check_base_hash(const std::string& config_path, const std::string& base_hash);

Done write_config(const std::string& config_path, std::string_view text);

}  // namespace planner
