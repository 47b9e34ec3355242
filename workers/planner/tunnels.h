// Whether a tunnel is wanted, to where, and with what: the tunnel worker's part of a plan.
//
// A tunnel of the voice-call plugin leads to the worker's own listener, where only public paths are
// served; one of gateway.tailscale leads to the gateway's port, because its owner asked for that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/notices.h"
#include "workers/planner/secrets.h"

namespace planner {

struct PlannedTunnel {
    // {"tunnels": [{"provider": "ngrok", "leadsTo": "paths", "domain": …},
    //              {"provider": "tailscale-serve", "leadsTo": "gateway", "port": 18789}]}
    Json config;
    std::vector<FoundSecret> secrets;
    // Of its tunnels one leads to the public paths, and is of no use without any.
    bool leads_to_paths = false;
    bool leads_to_gateway = false;
};

struct GatewayFacts {
    uint32_t port = 0;
    std::string bind;
    std::string auth_mode;
};

// Nothing: no tunnel is wanted, or only one that cannot be; `notices` says why.
std::optional<PlannedTunnel> planned_tunnel(const Json& config, const std::string& config_path,
                                            const Environment& environment,
                                            const GatewayFacts& gateway, Notices& notices);

}  // namespace planner
