// What the owner's configuration says about cron: whether, how many at once, where.
#pragma once

#include <string>

#include "workers/agent/cron/cron.h"

namespace agent {

// `skip` is OPENCLAW_SKIP_CRON. The jobs are kept below the state directory's cron/, the one place
// that only this process may write to; another place in cron.store is named and not used.
Cron::Options cron_options(const AgentConfig& config, const std::string& state_dir,
                           const std::string& skip);

}  // namespace agent
