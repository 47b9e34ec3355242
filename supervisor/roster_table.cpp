#include "supervisor/roster.h"

namespace supervisor {

const std::vector<KindOfWorker>& roster() {
    using namespace std::chrono_literals;
    static const std::vector<KindOfWorker> rows = {
        // clang-format off
        // kind      program    user critical sees_all stop network            ready oom  MiB weight tasks exec   directories, may_configure, may_read_log
        // The planner is no worker of the plan; its row holds its user and its directory.
        {"planner", "planner", 0,   false,   false,   0,   Network::none,     10s,  0,   24, 0,     8,    false, {"hardshell/planner"}},
        // Stops before the gateway: its last events reach the clients through it.
        {"agent",   "agent",   2,   true,    false,   0,   Network::internet, 30s,  100, 40, 6,     64,   false, {"agents", "credentials", "cron", "workspace", "hardshell/agent"}},
        {"gateway", "gateway", 1,   true,    true,    1,   Network::links,    30s,  0,   32, 3,     32,   false, {"devices", "nodes", "settings", "hardshell/gateway"}, true, true},
        // clang-format on
    };
    return rows;
}

}  // namespace supervisor
