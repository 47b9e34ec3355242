#include "workers/gateway/gateway_settings.h"

#include "workers/gateway/control_ui.h"

namespace gateway {

namespace {

std::vector<std::string> texts_in(const Json& list) {
    std::vector<std::string> found;
    for (const Json& entry : list)
        if (entry.is_string()) found.push_back(entry.get<std::string>());
    return found;
}

// The agent marked as default, else the first one, else "main".
std::string default_agent(const Json& agents) {
    std::string first;
    for (const Json& agent : agents) {
        const std::string id = text_member(agent, "id");
        if (id.empty()) continue;
        if (bool_member(agent, "default")) return id;
        if (first.empty()) first = id;
    }
    return first.empty() ? "main" : first;
}

}  // namespace

std::string GatewaySettings::main_session_key() const {
    return sessions_global ? "global" : "agent:" + default_agent + ":main";
}

GatewaySettings read_gateway_settings(const Json& config, bool password_known) {
    GatewaySettings settings;
    const std::string mode = text_member(member_at(config, "gateway.auth"), "mode");
    const bool by_password = mode == "password" || (mode.empty() && password_known);
    settings.auth_mode = by_password ? AuthMode::password : AuthMode::token;
    settings.trusted_proxies = texts_in(member_at(config, "gateway.trustedProxies"));
    const Json& page = member_at(config, "gateway.controlUi");
    settings.allowed_origins = texts_in(member(page, "allowedOrigins"));
    settings.allow_insecure_auth = bool_member(page, "allowInsecureAuth");
    settings.disable_device_auth = bool_member(page, "dangerouslyDisableDeviceAuth");
    settings.page_enabled = bool_member(page, "enabled", true);
    settings.page_base_path = normal_base_path(text_view(page, "basePath"));
    settings.page_root = text_member(page, "root");
    if (!settings.page_root.empty()) settings.page_root_source = "gateway.controlUi.root";
    const bool served = text_member(member_at(config, "gateway.tailscale"), "mode") == "serve";
    settings.allow_tailscale =
        bool_member(member_at(config, "gateway.auth"), "allowTailscale", served && !by_password);
    const Json& nodes = member_at(config, "gateway.nodes");
    settings.nodes = {texts_in(member(nodes, "allowCommands")),
                      texts_in(member(nodes, "denyCommands"))};
    settings.http = read_http_settings(config);
    settings.default_agent = default_agent(member_at(config, "agents.list"));
    settings.sessions_global = text_member(member(config, "session"), "scope") == "global";
    return settings;
}

}  // namespace gateway
