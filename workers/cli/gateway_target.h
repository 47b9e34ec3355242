// Which gateway a command speaks to, and with which credential.
//
// Address: --url, else gateway.remote.url where gateway.mode is "remote", to which nothing but its
// own credential (or that of the options) is sent; else the gateway running on this machine (its
// supervisor knows the port), else OPENCLAW_GATEWAY_PORT, else the configured port, else 18789.
// Credential: --token / --password, else the environment, else what the configuration gives the
// gateway. The configured secrets are never sent to an address given by --url that is not on this
// machine.
#pragma once

#include <functional>
#include <string>

#include "proto/control.pb.h"
#include "proto/plan.pb.h"
#include "workers/cli/context.h"
#include "workers/common/base/secret.h"

namespace cli {

struct Target {
    std::string url;  // "ws://127.0.0.1:3000"
    uint32_t port = 0;
    std::string bind;         // "lan"; empty: no gateway of this machine says so
    bool remote = false;      // that of gateway.remote
    std::string port_source;  // "running gateway", "environment", "configuration", "default"
    Secret token;
    Secret password;
    std::string credential_source;  // for messages: "--token", "environment variable …"
    bool running = false;           // the supervisor says so
};

inline constexpr uint32_t default_port = 18789;

// What is known about the gateway of this machine; `plan` only where it was needed, which it is not
// for gateway.mode where the gateway that runs has read openclaw.json as it is now.
struct Sources {
    Result<hardshell::proto::StatusReport> status;
    // Asked at most once, and only when something is missing.
    std::function<const Result<hardshell::proto::Plan>&()> plan;
};

// Pure but for the sources. bad_credentials when nothing holds a credential, with the reason.
Result<Target> choose_target(const Context& context, const Sources& sources);
// With the real sources.
Result<Target> find_gateway(const Context& context);

// Where a gateway with these listeners is reached from this machine: 127.0.0.1 when it listens
// there, else its first address.
std::string local_host(const hardshell::proto::Plan& plan);

// Whether a ws:// or wss:// address names this machine.
bool is_loopback_url(const std::string& url);

}  // namespace cli
