// Which tunnels the plan wants. See workers/planner/tunnels.h, which writes it.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace tunnel {

struct TunnelSettings {
    std::string provider;  // "ngrok", "tailscale-serve", "tailscale-funnel"
    // To the gateway's port; else to the public paths.
    bool leads_to_gateway = false;
    uint16_t port = 0;  // the gateway's
    std::string domain;
};

struct Settings {
    std::vector<TunnelSettings> tunnels;
    // Commands of the agent reach this machine's loopback addresses.
    bool loopback_is_shared = false;
};

Result<Settings> read_settings(const Json& config);

}  // namespace tunnel
