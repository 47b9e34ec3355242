#include "workers/cli/commands/agent.h"
#include "workers/cli/commands/devices.h"
#include "workers/cli/commands/doctor.h"
#include "workers/cli/commands/gateway_methods.h"
#include "workers/cli/program.h"

namespace cli {

namespace {

constexpr Handler handlers[] = {
    {"agent", run_agent},
    {"health", run_health},
    {"doctor", run_doctor},
    {"gateway call", run_gateway_call},
    {"gateway health", run_health},
    {"gateway status", run_gateway_status},
    {"devices", run_devices_list},
    {"devices list", run_devices_list},
    {"devices approve", run_devices_approve},
    {"devices reject", run_devices_reject},
    {"devices rotate", run_devices_rotate},
    {"devices revoke", run_devices_revoke},
};

}  // namespace

std::span<const Handler> client_handlers() {
    return handlers;
}

}  // namespace cli
