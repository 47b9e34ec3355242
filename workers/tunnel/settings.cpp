#include "workers/tunnel/settings.h"

namespace tunnel {

Result<Settings> read_settings(const Json& config) {
    Settings settings;
    settings.loopback_is_shared = bool_member(config, "loopbackIsShared");
    for (const Json& entry : member(config, "tunnels")) {
        TunnelSettings tunnel;
        tunnel.provider = text_member(entry, "provider");
        tunnel.leads_to_gateway = text_member(entry, "leadsTo") == "gateway";
        tunnel.port = static_cast<uint16_t>(int_member(entry, "port"));
        tunnel.domain = text_member(entry, "domain");
        settings.tunnels.push_back(std::move(tunnel));
    }
    if (settings.tunnels.empty())
        return Error{Fault::bad_config, "the plan names no tunnel to start"};
    return settings;
}

}  // namespace tunnel
