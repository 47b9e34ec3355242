// What the schema cannot say: conditions across values. Each rule is a row of the table.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/source.h"

namespace planner {

struct RuleFinding {
    bool is_error = false;  // false: the configuration works, its owner should know
    Path path;
    std::string what;
    std::string cure;
};

// Expects a configuration that the schema found right.
std::vector<RuleFinding> check_rules(const Json& config);

// Whether `channels.<id>` is one that OpenClaw 2026.1.29 has.
bool is_known_channel(std::string_view id);

}  // namespace planner
