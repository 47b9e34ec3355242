// How the gateway is reached: port, addresses, and the secret that opens it. Decided from the
// command line, the environment and the configuration, in OpenClaw's order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/gateway_flags.h"
#include "workers/planner/notices.h"
#include "workers/planner/secrets.h"

namespace planner {

inline constexpr uint32_t default_gateway_port = 18789;

// --port, OPENCLAW_GATEWAY_PORT, CLAWDBOT_GATEWAY_PORT, gateway.port, 18789. What is no port is
// reported and passed over.
uint32_t gateway_port(const GatewayFlags& flags, const Environment& environment, const Json& config,
                      Notices& notices);

// --bind, gateway.bind, "loopback".
std::string gateway_bind(const GatewayFlags& flags, const Json& config, Notices& notices);

// The first address of an interface in Tailscale's range 100.64.0.0/10; empty when there is none.
std::string tailnet_address();

std::vector<hardshell::proto::Address> gateway_addresses(const std::string& bind, uint32_t port,
                                                         const Json& config,
                                                         const std::string& tailnet,
                                                         Notices& notices);

struct GatewayAuth {
    std::string mode;  // "token" or "password"
    std::vector<FoundSecret> secrets;
};
// Token: --token, gateway.auth.token, OPENCLAW_GATEWAY_TOKEN, CLAWDBOT_GATEWAY_TOKEN, else one that
// is made and kept in the state directory; password likewise, but never made. A mode that was
// asked for leaves the other secret out.
GatewayAuth gateway_auth(const GatewayFlags& flags, const Environment& environment,
                         const Json& config, const std::string& config_path,
                         const std::string& state_dir, Notices& notices);

}  // namespace planner
