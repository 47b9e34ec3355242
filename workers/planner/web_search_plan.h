// The search service that the owner has chosen, and the one key of it that the agent is given.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/notices.h"
#include "workers/planner/secrets.h"

namespace planner {

struct PlannedSearch {
    std::vector<FoundSecret> secrets;  // at most one
    std::string perplexity_url;        // where that key belongs; empty: not asked, or as configured
};

// Warns of a service that is not known, and of one that was chosen and has no key.
PlannedSearch planned_search(const Json& config, const std::string& config_path,
                             const Environment& environment, Notices& notices);

}  // namespace planner
