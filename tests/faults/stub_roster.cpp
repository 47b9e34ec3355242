// The roster of the fault suite: every kind is the same scripted program. Links in place of
// supervisor/roster_table.cpp.

#include "supervisor/roster.h"

namespace supervisor {

const std::vector<KindOfWorker>& roster() {
    using namespace std::chrono_literals;
    static const std::vector<KindOfWorker> rows = {
        // clang-format off
        // kind       program     user critical sees_all stop network          ready oom  MiB weight tasks  exec   directories, extra
        {"planner",   "planner",  0,   false,   false,   0,   Network::none,   10s,  0,   24, 0,     8,     false, {"hardshell/planner"}},
        {"agent",     "stub",     2,   true,    false,   0,   Network::links,  10s,  100, 40, 6,     64,    false, {"lives-agent"}},
        {"gateway",   "stub",     1,   true,    true,    1,   Network::links,  10s,  0,   32, 3,     64,    false, {"lives-gateway"}},
        // Expendable. Its start deadline is short, so that missing it does not make tests long.
        {"stub",      "stub",     3,   false,   false,   0,   Network::links,  2s,   300, 16, 1,     64,    false, {"lives-stub"}, {.config_method = "stub.said"}},
        // May have any number of children: storms of orphans.
        {"parent",    "stub",     4,   false,   false,   0,   Network::links,  10s,  300, 16, 1,     30000, true,  {"lives-parent"}},
        // Its program is not installed.
        {"missing",   "missing",  5,   false,   false,   0,   Network::none,   2s,   300, 16, 1,     64,    false, {"lives-missing"}},
        // Programs that the kernel refuses; the tests lay them beside the supervisor.
        {"broken",    "broken",   6,   false,   false,   0,   Network::none,   2s,   300, 16, 1,     64,    false, {"lives-broken"}},
        // clang-format on
    };
    return rows;
}

}  // namespace supervisor
