// One HTTP request on a connection of its own.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/deadline.h"

struct HttpAnswer {
    int status = 0;  // 0: no connection, or no answer
    std::string headers;
    std::string body;
};

// `headers` are whole lines, each ended by \r\n. A body that came in chunks is put together.
HttpAnswer http_request(uint16_t port, const std::string& method, const std::string& path,
                        const std::string& headers, const std::string& body,
                        std::chrono::milliseconds limit = patience);
// With Content-Type and Content-Length, and with that credential unless it is empty.
HttpAnswer http_post(uint16_t port, const std::string& path, const std::string& body,
                     const std::string& bearer, const std::string& headers = {});
HttpAnswer http_get(uint16_t port, const std::string& path, const std::string& headers = {},
                    const std::string& method = "GET", std::chrono::milliseconds limit = patience);
