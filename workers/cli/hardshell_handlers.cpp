#include "workers/cli/commands/config.h"
#include "workers/cli/commands/control_verbs.h"
#include "workers/cli/commands/dashboard.h"
#include "workers/cli/commands/gateway_run.h"
#include "workers/cli/commands/logs.h"
#include "workers/cli/commands/status.h"
#include "workers/cli/program.h"

namespace cli {

namespace {

constexpr Handler handlers[] = {
    {"gateway", run_gateway},
    {"status", run_status},
    {"logs", run_logs},
    {"restart", run_restart},
    {"start", run_start},
    {"stop", run_stop},
    {"dashboard", run_dashboard},
    {"config get", run_config_get},
    {"config set", run_config_set},
    {"config unset", run_config_unset},
    {"config validate", run_config_validate},
    {"config file", run_config_file},
    {"reload", run_reload},
};

}  // namespace

std::span<const Handler> hardshell_handlers() {
    return handlers;
}

}  // namespace cli
