#include "supervisor/roster.h"

namespace supervisor {

namespace {

// Outside what Debian gives to people, packages and nobody.
constexpr unsigned first_worker_user = 64000;

}  // namespace

const std::vector<KindOfWorker>& roster() {
    using namespace std::chrono_literals;
    static const std::vector<KindOfWorker> rows = {
        // clang-format off
        // kind      program    user critical sees_all stop network            ready oom  directories
        // The planner is no worker of the plan; its row holds its user and its directory.
        {"planner", "planner", 0,   false,   false,   0,   Network::none,     10s,  0,   {"hardshell/planner"}},
        // Stops before the gateway: its last events reach the clients through it.
        {"agent",   "agent",   2,   true,    false,   0,   Network::internet, 30s,  100, {"agents", "credentials", "cron", "workspace", "hardshell/agent"}},
        {"gateway", "gateway", 1,   true,    true,    1,   Network::links,    30s,  0,   {"devices", "hardshell/gateway"}},
        // clang-format on
    };
    return rows;
}

unsigned user_of(const KindOfWorker& row) {
    return first_worker_user + static_cast<unsigned>(row.user_offset);
}

const KindOfWorker* find_kind(std::string_view kind) {
    for (const KindOfWorker& row : roster())
        if (row.kind == kind) return &row;
    return nullptr;
}

}  // namespace supervisor
