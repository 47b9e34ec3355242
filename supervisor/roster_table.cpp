#include "supervisor/roster.h"

namespace supervisor {

const std::vector<KindOfWorker>& roster() {
    using namespace std::chrono_literals;
    static const std::vector<KindOfWorker> rows = {
        // clang-format off
        // kind      program    user critical sees_all stop network            ready oom  MiB weight tasks exec   directories, extra
        // The planner is no worker of the plan; its row holds its user and its directory.
        {"planner", "planner", 0,   false,   false,   0,   Network::none,     10s,  0,   24, 0,     8,    false, {"hardshell/planner"}},
        // First they stop taking messages in; what they owe the agent keeps for them.
        {"telegram", "telegram", 3, false,   false,   0,   Network::internet, 30s,  300, 24, 1,     24,   false, {"telegram"}, {.shows_files = true, .config_method = "channels.groupMoved"}},
        {"discord", "discord", 4,   false,   false,   0,   Network::internet, 30s,  300, 24, 1,     24,   false, {"discord"}, {.shows_files = true}},
        // Its memory is that of the vendor's agent, a Go program: 96 MiB on a machine of 512.
        {"tunnel",  "tunnel",  7,   false,   false,   0,   Network::internet, 30s,  300, 28, 8,     128,  true,  {"tunnel"}, {.may_publish = true}},
        {"voice",   "voice",   6,   false,   false,   0,   Network::internet, 30s,  300, 24, 1,     24,   false, {"voice-calls"}},
        // Stops before the gateway: its last events reach the clients through it.
        {"agent",   "agent",   2,   true,    false,   1,   Network::internet, 30s,  100, 40, 6,     64,   false, {"agents", "credentials", "cron", "hardshell/agent"}, {.in_workspace_group = true}},
        // Its memory and tasks are those of the commands it runs; it is the first to go.
        {"tools",   "tools",   5,   false,   false,   2,   Network::internet, 30s,  300, 24, 6,     512,  true,  {"workspace"}, {.may_isolate = true, .in_workspace_group = true, .workspaces = {"workspace"}}},
        {"gateway", "gateway", 1,   true,    true,    2,   Network::links,    30s,  0,   32, 3,     32,   false, {"devices", "nodes", "settings", "hardshell/gateway"}, {.may_configure = true, .may_read_log = true, .may_control = true}},
        // clang-format on
    };
    return rows;
}

}  // namespace supervisor
