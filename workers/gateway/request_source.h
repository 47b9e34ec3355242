// Where a request comes from: the client's address, whether it is local, whether its Origin may
// open a WebSocket. Headers can only take trust away, except those of a proxy the owner named.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workers/gateway/gateway_settings.h"

namespace gateway {

struct RequestHeaders {
    std::string peer;  // the address at the other end of the TCP connection
    std::string host;
    std::string origin;
    std::string user_agent;
    std::string forwarded_for;
    std::string real_ip;
    std::string fly_client_ip;
    // What Tailscale's proxy says about the visitor. Worth nothing until tailscaled confirms it.
    std::string tailscale_login;
    bool has_forwarded_proto = false;
    bool has_forwarded_host = false;
    // The user of the process that sent all this, where it is one of this machine.
    std::optional<unsigned> sender;
    // Any header at all that a proxy adds.
    bool forwarded = false;
};

struct RequestSource {
    std::string address;
    // Under what failed attempts are counted: IPv6 by /64, as one customer holds at least that.
    std::string limiter_key;
    bool local = false;
    // Confirmed by tailscaled; empty otherwise.
    std::string tailscale_login;
};

RequestSource source_of(const RequestHeaders& headers, const GatewaySettings& settings);

// The address that Tailscale's proxy vouches for, when the request looks as if it came through it;
// empty otherwise. Still to be confirmed by tailscaled.
std::string claimed_tailscale_address(const RequestHeaders& headers,
                                      const GatewaySettings& settings);

// No Origin (no browser), that of the page itself, one the owner named, or the app's name on Fly.
bool origin_allowed(const RequestHeaders& headers, const GatewaySettings& settings);

// Lower case, without brackets, zone, and the prefix of an IPv4 address mapped into IPv6.
std::string plain_address(std::string_view text);
bool is_loopback(std::string_view address);

}  // namespace gateway
