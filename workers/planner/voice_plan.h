// Telephone calls: whether the owner wants them, and what their worker is told.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/secrets.h"
#include "workers/planner/workers_table.h"

namespace planner {

extern const WorkerKind voice_worker;

// plugins.entries.voice-call is enabled, and no rule about plugins forbids it.
bool wants_voice(const Json& config);
// What its worker may know: its own entry, accounts of the companies from variables filled in,
// secrets removed.
Json voice_config(const Json& config, const Environment& environment);
// "plugins.entries.voice-call.config.twilio.authToken", …, of the company that is chosen: what the
// configuration has, else the variable.
std::vector<FoundSecret> voice_secrets(const Json& config, const std::string& config_path,
                                       const Environment& environment);

}  // namespace planner
