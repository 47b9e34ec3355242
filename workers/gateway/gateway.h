// The gateway worker: wires the front desk, the way to the agent and the public port together.
#pragma once

#include "workers/common/run_worker.h"

namespace gateway {

// Needs a worker whose loop is a UvLoop.
Done run(Worker& self);

}  // namespace gateway
