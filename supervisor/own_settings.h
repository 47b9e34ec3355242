// What the environment and the command line ask of the supervisor itself. A value that cannot be
// used is said, and the default stands in for it. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "workers/common/base/paths.h"

namespace supervisor {

struct OwnSettings {
    std::chrono::milliseconds stop_budget{};
    std::string log_level;
    std::vector<std::string> remarks;  // for the log
};

OwnSettings own_settings(const paths::Environment& environment,
                         const std::vector<std::string>& gateway_arguments);

}  // namespace supervisor
