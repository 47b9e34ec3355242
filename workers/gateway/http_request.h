// One plain HTTP request as far as its head goes: what is asked, of whom, with which credential,
// and how large a body follows. No socket, no libwebsockets.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "workers/common/base/secret.h"
#include "workers/gateway/request_source.h"

namespace gateway {

struct HttpAsk {
    std::string method;
    std::string path;  // without the query
    std::string host;
    // From this machine, through no proxy.
    bool local = false;
    bool http_1_0 = false;
    // Transfer-Encoding, which this server cannot read.
    bool chunked = false;
    // A body follows.
    bool has_body = false;
    uint64_t body_bytes = 0;
    // A Content-Length that is no number.
    bool bad_length = false;
    // The client waits for a word before it sends the body.
    bool expects_continue = false;

    // Names in lower case; only those that somebody reads, and never a credential.
    std::map<std::string, std::string> headers;
    // Decoded; never the credential.
    std::map<std::string, std::string> query;
    Secret bearer;          // Authorization: Bearer …
    Secret openclaw_token;  // X-OpenClaw-Token
    Secret query_token;     // ?token=

    RequestSource source;

    std::string header(std::string_view name) const;
    std::string argument(std::string_view name) const;
};

// "Bearer x" in any case; empty when it is no such thing.
std::string bearer_of(std::string_view authorization);
// Sets has_body, body_bytes, bad_length.
void read_length(HttpAsk& ask, std::string_view content_length);

}  // namespace gateway
