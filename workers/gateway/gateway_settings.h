// What the owner's configuration says about the gateway, read once at the start.
#pragma once

#include <string>
#include <vector>

#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/json.h"
#include "workers/gateway/credentials.h"
#include "workers/gateway/http_settings.h"
#include "workers/gateway/node_commands.h"

namespace gateway {

struct GatewaySettings {
    AuthMode auth_mode = AuthMode::token;
    std::vector<std::string> trusted_proxies;
    std::vector<std::string> allowed_origins;
    // A Control UI without device identity is admitted with the shared secret.
    bool allow_insecure_auth = false;
    // …and a device identity it does send is ignored.
    bool disable_device_auth = false;
    bool page_enabled = true;
    // "/ui", or empty.
    std::string page_base_path;
    // A directory with another build of the page; empty: the one that is built in.
    std::string page_root;
    std::string page_root_source;  // for messages
    // Whom tailscaled knows needs no token, only an approved device.
    bool allow_tailscale = false;
    std::string tailscaled_socket;

    NodePolicy nodes;
    HttpSettings http;

    // The planner's summary, see channel_reports.h.
    Json channels = Json::object();

    std::string default_agent = "main";
    bool sessions_global = false;

    std::string config_path;
    std::string state_dir;
    std::string bind = "loopback";
    unsigned port = 0;
    std::string degraded;
    std::string version;
    std::string commit;
    std::string host;
    // Empty: not on Fly.
    std::string fly_app;
    // Where WebSocket messages are sent back, see Echo; empty: nowhere.
    std::string echo_path;
    // What the internet reaches this machine by through a tunnel, as it is now; no provider: no
    // tunnel.
    hardshell::proto::PublicUrl public_url;
    // The file system that holds the state, as the supervisor last told.
    hardshell::proto::VolumeState volume;

    // "agent:main:main", or "global".
    std::string main_session_key() const;
};

// The part that comes from the configuration; `password_known` decides the mode when none is set.
GatewaySettings read_gateway_settings(const Json& config, bool password_known);

}  // namespace gateway
