#include "workers/tunnel/tailscale_words.h"

#include <algorithm>

#include "workers/common/base/json.h"

namespace tunnel {

namespace {

bool leads_to(const Json& handlers, uint16_t port) {
    const std::string ending = ":" + std::to_string(port);
    for (const auto& [path, handler] : handlers.items()) {
        std::string proxy = text_member(handler, "Proxy");
        while (!proxy.empty() && proxy.back() == '/') proxy.pop_back();
        if (proxy.ends_with(ending)) return true;
    }
    return false;
}

void add(const Json& config, const std::string& endpoint, uint16_t port, bool foreground,
         ServeStatus& status) {
    const Json& site = member(member(config, "Web"), endpoint);
    const Json& handlers = member(site, "Handlers");
    if (!handlers.is_object() || !leads_to(handlers, port)) return;
    status.is_served = true;
    status.is_foreground = foreground;
    status.is_public = bool_member(member(config, "AllowFunnel"), endpoint);
}

bool holds_any(std::string_view text, std::initializer_list<std::string_view> parts) {
    return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
        return text.find(part) != std::string_view::npos;
    });
}

}  // namespace

std::optional<NodeStatus> read_node_status(const std::string& json) {
    const Result<Json> parsed = parse_json(json);
    if (!parsed || !parsed->is_object()) return {};
    NodeStatus status;
    status.backend = text_member(*parsed, "BackendState");
    if (status.backend.empty()) return {};
    status.host = text_member(member(*parsed, "Self"), "DNSName");
    while (!status.host.empty() && status.host.back() == '.') status.host.pop_back();
    status.auth_url = text_member(*parsed, "AuthURL");
    const Json& domains = member(*parsed, "CertDomains");
    status.has_certificates = domains.is_array() && !domains.empty();
    return status;
}

std::optional<ServeStatus> read_serve_status(const std::string& json, const std::string& host,
                                             uint16_t local_port) {
    const Result<Json> parsed = parse_json(json);
    if (!parsed || !(parsed->is_object() || parsed->is_null())) return {};
    ServeStatus status;
    const std::string endpoint = host + ":443";
    add(*parsed, endpoint, local_port, false, status);
    if (const Json& sessions = member(*parsed, "Foreground"); sessions.is_object())
        for (const auto& [session, config] : sessions.items())
            add(config, endpoint, local_port, true, status);
    return status;
}

std::optional<std::string> enable_url_in(std::string_view line) {
    constexpr std::string_view places[] = {"https://login.tailscale.com/f/",
                                           "https://login.tailscale.com/admin/"};
    for (const std::string_view place : places) {
        const size_t at = line.find(place);
        if (at == std::string_view::npos) continue;
        const size_t end = line.find_first_of(" \t\"'<>", at);
        return std::string(line.substr(at, end - at));
    }
    return {};
}

bool is_about_the_key(std::string_view text) {
    return holds_any(text, {"invalid key", "API key does not exist", "key expired",
                            "auth key expired", "not valid", "requested tags"});
}

bool is_about_an_older_configuration(std::string_view text) {
    return holds_any(text, {"background configuration already exists", "foreground already exists",
                            "already serving"});
}

}  // namespace tunnel
