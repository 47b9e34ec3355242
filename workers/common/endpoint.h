// Where a URL leads: who is connected to and what is asked for. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "workers/common/base/result.h"

// "https", "example.com", 443, "/v1?x=1" of a URL; the fragment is left out.
struct Endpoint {
    std::string scheme;
    std::string host;  // an IPv6 address without its brackets
    uint16_t port = 0;
    std::string target;

    bool is_tls() const { return scheme == "https" || scheme == "wss"; }
    // As in a Host header: the port only where it is not the scheme's own.
    std::string authority() const;
};
// bad_config when it is none of http, https, ws, wss with a host, or holds a control character.
Result<Endpoint> parse_endpoint(std::string_view url);
