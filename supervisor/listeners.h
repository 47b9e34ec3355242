// The public sockets: bound here, once, and handed to their worker at each of its starts. A
// restarting worker refuses no connection: the kernel keeps the callers waiting.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace supervisor {

// Whether its worker does without it: none of its addresses has to be bound.
bool is_optional(const hardshell::proto::Listener& listener);

// A Unix socket in a link's directory: `owner` takes connections on it, `door` may make them; both
// absent where all workers are one user. What was left there is replaced.
Result<Fd> bind_stream(const std::string& path, std::optional<unsigned> owner,
                       std::optional<unsigned> door);

// Binds the addresses of one listener. An error names the address and who has to act.
Result<std::vector<Fd>> bind_listener(const hardshell::proto::Listener& listener);

}  // namespace supervisor
