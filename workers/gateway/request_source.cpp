#include "workers/gateway/request_source.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "workers/common/base/text.h"

namespace gateway {

namespace {

bool is_address(const std::string& text) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

// The host name alone, of "localhost:3000" or a bracketed IPv6 address with port.
std::string host_name(std::string_view host) {
    if (!host.empty() && host.front() == '[') {
        const size_t end = host.find(']');
        return lower_case(host.substr(1, end == std::string_view::npos ? end : end - 1));
    }
    const size_t colon = host.find(':');
    const bool port_follows =
        colon != std::string_view::npos && host.find(':', colon + 1) == std::string_view::npos;
    return lower_case(port_follows ? host.substr(0, colon) : host);
}

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() > end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_local_name(const std::string& name) {
    return name == "localhost" || name == "127.0.0.1" || name == "::1" ||
           ends_with(name, ".ts.net");
}

std::string without_port(std::string host, std::string_view port) {
    if (ends_with(host, port)) host.resize(host.size() - port.size());
    return host;
}

bool contains(const std::vector<std::string>& list, std::string_view entry) {
    return std::find(list.begin(), list.end(), entry) != list.end();
}

// Fly's proxy reaches a machine over IPv4 in 172.16/12. What comes over 6PN (fdaa::/16) is another
// machine of the organization, which may write any header.
bool is_fly_proxy(const std::string& address) {
    unsigned char bytes[4];
    return inet_pton(AF_INET, address.c_str(), bytes) == 1 && bytes[0] == 172 &&
           (bytes[1] & 0xf0) == 16;
}

bool is_trusted(const std::string& address, const GatewaySettings& settings) {
    return std::any_of(settings.trusted_proxies.begin(), settings.trusted_proxies.end(),
                       [&](const std::string& proxy) { return plain_address(proxy) == address; });
}

// Each proxy adds the address that it saw on the right; what is left of the last trusted one, the
// client may have written itself.
std::string last_untrusted(std::string_view list, const GatewaySettings& settings) {
    std::string found;
    while (!list.empty()) {
        const size_t comma = list.rfind(',');
        const bool is_first = comma == std::string_view::npos;
        found = plain_address(trimmed(is_first ? list : list.substr(comma + 1)));
        if (!is_trusted(found, settings)) return found;
        list = is_first ? std::string_view() : list.substr(0, comma);
    }
    return found;
}

std::string client_address(const RequestHeaders& headers, const GatewaySettings& settings,
                           const std::string& peer) {
    std::string claimed;
    if (!settings.fly_app.empty() && is_fly_proxy(peer)) {
        claimed = plain_address(trimmed(headers.fly_client_ip));
    } else if (is_trusted(peer, settings)) {
        claimed = last_untrusted(headers.forwarded_for, settings);
        if (claimed.empty()) claimed = plain_address(trimmed(headers.real_ip));
    }
    return is_address(claimed) ? claimed : peer;
}

std::string limiter_key(const std::string& address) {
    unsigned char bytes[16];
    if (inet_pton(AF_INET6, address.c_str(), bytes) != 1) return address;
    std::memset(bytes + 8, 0, 8);
    char text[INET6_ADDRSTRLEN];
    return inet_ntop(AF_INET6, bytes, text, sizeof text) ? std::string(text) + "/64" : address;
}

}  // namespace

std::string plain_address(std::string_view text) {
    if (!text.empty() && text.front() == '[') text.remove_prefix(1);
    text = text.substr(0, text.find_first_of("]%"));
    constexpr std::string_view mapped = "::ffff:";
    std::string address = lower_case(text);
    if (address.compare(0, mapped.size(), mapped) == 0 && address.find('.') != std::string::npos)
        address.erase(0, mapped.size());
    return address;
}

bool is_loopback(std::string_view address) {
    return address == "::1" || address.substr(0, 4) == "127.";
}

RequestSource source_of(const RequestHeaders& headers, const GatewaySettings& settings) {
    RequestSource source;
    const std::string peer = plain_address(headers.peer);
    source.address = client_address(headers, settings, peer);
    source.limiter_key = limiter_key(source.address);
    source.local = !headers.forwarded && is_loopback(peer) && is_loopback(source.address) &&
                   is_local_name(host_name(headers.host));
    return source;
}

std::string claimed_tailscale_address(const RequestHeaders& headers,
                                      const GatewaySettings& settings) {
    if (!settings.allow_tailscale || headers.tailscale_login.empty()) return {};
    if (!is_loopback(plain_address(headers.peer)) || !headers.has_forwarded_proto ||
        !headers.has_forwarded_host)
        return {};
    // What the proxy itself has added stands on the right.
    const std::string_view list = headers.forwarded_for;
    const size_t comma = list.rfind(',');
    const std::string address =
        plain_address(trimmed(comma == std::string_view::npos ? list : list.substr(comma + 1)));
    return is_address(address) ? address : std::string();
}

bool origin_allowed(const RequestHeaders& headers, const GatewaySettings& settings) {
    if (headers.origin.empty()) return true;
    const std::string origin = lower_case(headers.origin);
    if (contains(settings.allowed_origins, headers.origin) ||
        contains(settings.allowed_origins, origin) || contains(settings.allowed_origins, "*"))
        return true;
    if (!settings.fly_app.empty() &&
        origin == "https://" + lower_case(settings.fly_app) + ".fly.dev")
        return true;
    const bool secure = origin.compare(0, 8, "https://") == 0;
    if (!secure && origin.compare(0, 7, "http://") != 0) return false;
    const std::string_view port = secure ? ":443" : ":80";
    return !headers.host.empty() && without_port(origin.substr(secure ? 8 : 7), port) ==
                                        without_port(lower_case(headers.host), port);
}

}  // namespace gateway
