// A note that a change of the configuration leaves for the time after the restart, in the file that
// OpenClaw uses for it.
#pragma once

#include <optional>
#include <string>

#include "workers/common/base/json.h"

namespace planner {

// {path, payload} as the client of config.patch and config.apply is told. A note that cannot be
// written is told all the same: the change itself was made.
Json write_restart_sentinel(const std::string& state_dir, const Json& params,
                            const std::string& method, int64_t now_ms);

// The payload of the note that waits, which is gone afterwards.
std::optional<Json> take_restart_sentinel(const std::string& state_dir);

}  // namespace planner
