#include "workers/cli/commands/agent.h"
#include "workers/cli/commands/doctor.h"
#include "workers/cli/commands/gateway_methods.h"
#include "workers/cli/program.h"

namespace cli {

namespace {

constexpr Handler handlers[] = {
    {"agent", run_agent},           {"health", run_health},
    {"doctor", run_doctor},         {"gateway call", run_gateway_call},
    {"gateway health", run_health}, {"gateway status", run_gateway_status},
};

}  // namespace

std::span<const Handler> client_handlers() {
    return handlers;
}

}  // namespace cli
