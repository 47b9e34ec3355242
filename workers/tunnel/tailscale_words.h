// What Tailscale says: the state of the node, what is served, and what its command line answers
// when something has to be allowed first. Pure.
//
// Outside rules: `tailscale status --json` and `tailscale serve status --json` of 1.52 and later
// (ipn/ipnstate, ipn/serve.go).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "workers/common/base/result.h"

namespace tunnel {

struct NodeStatus {
    std::string backend;  // "Running", "NeedsLogin", "Starting", …
    std::string host;     // without the dot at its end
    std::string auth_url;
    bool has_certificates = false;
};
// Nothing when it is no such answer.
std::optional<NodeStatus> read_node_status(const std::string& json);

struct ServeStatus {
    bool is_served = false;  // port 443 of the host leads to that local port
    bool is_public = false;  // …and the internet may come (Funnel)
    bool is_foreground = false;
};
std::optional<ServeStatus> read_serve_status(const std::string& json, const std::string& host,
                                             uint16_t local_port);

// Something has to be allowed in the tailnet first: the address where, or nothing.
std::optional<std::string> enable_url_in(std::string_view line);
// Whether what `tailscale up` answers is about the key.
bool is_about_the_key(std::string_view text);
// Whether a configuration from before is in the way of one in the foreground.
bool is_about_an_older_configuration(std::string_view text);

}  // namespace tunnel
