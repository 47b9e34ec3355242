#include "workers/common/endpoint.h"

#include <algorithm>
#include <charconv>

namespace {

constexpr struct {
    const char* name;
    uint16_t port;
} schemes[] = {{"https", 443}, {"http", 80}, {"wss", 443}, {"ws", 80}};

Error no_url(std::string_view why) {
    return {Fault::bad_config, "not an address to connect to: " + std::string(why)};
}

uint16_t own_port(std::string_view scheme) {
    for (const auto& row : schemes)
        if (scheme == row.name) return row.port;
    return 0;
}

Done split_authority(std::string_view authority, Endpoint& endpoint) {
    if (authority.find('@') != std::string_view::npos) return no_url("it has a user name");
    std::string_view host = authority;
    std::string_view port;
    if (!host.empty() && host.front() == '[') {
        const size_t end = host.find(']');
        if (end == std::string_view::npos) return no_url("a bracket is open");
        port = host.substr(end + 1);
        host = host.substr(1, end - 1);
    } else if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
        port = host.substr(colon);
        host = host.substr(0, colon);
    }
    if (host.empty()) return no_url("it has no host");
    endpoint.host = host;
    endpoint.port = own_port(endpoint.scheme);
    if (port.empty()) return {};
    const auto [end, fault] =
        std::from_chars(port.data() + 1, port.data() + port.size(), endpoint.port);
    if (port.front() != ':' || fault != std::errc() || end != port.data() + port.size() ||
        endpoint.port == 0)
        return no_url("its port is no number");
    return {};
}

}  // namespace

std::string Endpoint::authority() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == own_port(scheme) ? name : name + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view url) {
    if (std::any_of(url.begin(), url.end(), [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte <= ' ' || byte == 0x7f;
        }))
        return no_url("it has a space or a control character");
    const size_t mark = url.find("://");
    Endpoint endpoint;
    endpoint.scheme = url.substr(0, std::min(mark, url.size()));
    if (mark == std::string_view::npos || own_port(endpoint.scheme) == 0)
        return no_url("it does not begin with https:// or wss://");
    std::string_view rest = url.substr(mark + 3);
    rest = rest.substr(0, rest.find('#'));
    const size_t path = std::min(rest.find_first_of("/?"), rest.size());
    if (const Done split = split_authority(rest.substr(0, path), endpoint); !split)
        return split.error();
    endpoint.target = rest.substr(path);
    if (endpoint.target.empty() || endpoint.target.front() != '/')
        endpoint.target.insert(0, 1, '/');
    return endpoint;
}
