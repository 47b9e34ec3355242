// The planner's memory between its lives: the last configuration that could be used, and the
// gateway token it made because none was configured. Both under <state>/hardshell/planner, 0600.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace planner {

std::string last_good_file(const std::string& state_dir);

// Includes applied, variables not put in. Nothing when there is none that can be read.
std::optional<Json> read_last_good(const std::string& state_dir);
// The dotted keys in which this one differs from it, the first twenty; none when there is none.
std::vector<std::string> changed_keys(const std::string& state_dir, const Json& merged);
// Writes only what differs from what is there.
Done keep_last_good(const std::string& state_dir, const Json& merged);

struct GeneratedToken {
    std::string value;  // 48 hexadecimal digits
    bool is_new = false;
    Done kept;  // an error: the next planner will make another one
};
GeneratedToken generated_gateway_token(const std::string& state_dir);

}  // namespace planner
