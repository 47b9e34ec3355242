// The head of one HTTP/1.1 request, read strictly: whoever hands a request on must read it exactly
// as the one who answers it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct RequestHead {
    static constexpr size_t most_bytes = 16 * 1024;
    static constexpr size_t most_headers = 100;

    std::string method;
    // As it was sent: path and query, nothing decoded.
    std::string target;
    bool http_1_0 = false;
    // In their order; names as they were sent.
    std::vector<std::pair<std::string, std::string>> headers;
    // Of the body; 0 without one.
    uint64_t body_bytes = 0;
    bool expects_continue = false;
    // Asks for a WebSocket (RFC 6455).
    bool opens_websocket = false;

    std::string_view path() const;
    // Behind the question mark; empty without one.
    std::string_view query() const;
    // The first of that name, in whatever case; empty when there is none.
    std::string_view header(std::string_view name) const;
};

// What stands at the beginning of some bytes.
struct HeadReading {
    // Set: the whole head, and how many bytes it takes.
    std::optional<RequestHead> head;
    size_t size = 0;
    // Not 0: no request that is served, and the status that says so. Neither: more has to come.
    int refusal = 0;
};

// Refuses what two readers could understand differently: line breaks other than CRLF, folded
// lines, spaces before a colon, two lengths, bodies in chunks (411).
HeadReading read_request_head(std::string_view bytes);

// The path of a request whose head need not be whole; nothing while the path is not.
std::optional<std::string_view> path_of_request(std::string_view bytes);

// "Bad Request" for 400.
std::string_view reason_phrase(int status);
bool same_header_name(std::string_view one, std::string_view other);
