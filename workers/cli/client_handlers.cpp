#include "workers/cli/commands/agent.h"
#include "workers/cli/commands/channels.h"
#include "workers/cli/commands/cron.h"
#include "workers/cli/commands/devices.h"
#include "workers/cli/commands/doctor.h"
#include "workers/cli/commands/gateway_logs.h"
#include "workers/cli/commands/gateway_methods.h"
#include "workers/cli/commands/gateway_probe.h"
#include "workers/cli/commands/listings.h"
#include "workers/cli/commands/message.h"
#include "workers/cli/commands/pairing.h"
#include "workers/cli/commands/system.h"
#include "workers/cli/commands/voicecall.h"
#include "workers/cli/program.h"

namespace cli {

namespace {

constexpr Handler handlers[] = {
    {"agent", run_agent},
    {"health", run_health},
    {"logs", run_gateway_logs},  // with --url, --token or --password
    {"doctor", run_doctor},
    {"gateway call", run_gateway_call},
    {"gateway health", run_health},
    {"gateway status", run_gateway_status},
    {"gateway probe", run_gateway_probe},
    {"gateway usage-cost", run_gateway_usage_cost},
    {"channels list", run_channels_list},
    {"channels status", run_channels_status},
    {"channels add", run_channels_add},
    {"channels remove", run_channels_remove},
    {"channels login", run_channels_login},
    {"channels logout", run_channels_logout},
    {"sessions", run_sessions},
    {"agents list", run_agents_list},
    {"models list", run_models_list},
    {"message send", run_message_send},
    {"pairing list", run_pairing_list},
    {"pairing approve", run_pairing_approve},
    {"devices", run_devices_list},
    {"devices list", run_devices_list},
    {"devices approve", run_devices_approve},
    {"devices reject", run_devices_reject},
    {"devices rotate", run_devices_rotate},
    {"devices revoke", run_devices_revoke},
    {"voicecall call", run_voicecall_call},
    {"voicecall start", run_voicecall_start},
    {"voicecall continue", run_voicecall_continue},
    {"voicecall speak", run_voicecall_speak},
    {"voicecall end", run_voicecall_end},
    {"voicecall status", run_voicecall_status},
    {"voicecall tail", run_voicecall_tail},
    {"voicecall expose", run_voicecall_expose},
    {"cron status", run_cron_status},
    {"cron list", run_cron_list},
    {"cron add", run_cron_add},
    {"cron edit", run_cron_edit},
    {"cron rm", run_cron_remove},
    {"cron enable", run_cron_enable},
    {"cron disable", run_cron_disable},
    {"cron runs", run_cron_runs},
    {"cron run", run_cron_run},
    {"system event", run_system_event},
    {"system heartbeat", run_system_heartbeat},
    {"system presence", run_system_presence},
};

}  // namespace

std::span<const Handler> client_handlers() {
    return handlers;
}

}  // namespace cli
