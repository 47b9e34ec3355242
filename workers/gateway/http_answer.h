// Answers plain HTTP requests: the health endpoints and the page, and on a port of its own
// /metrics. Pure.
//
// Nothing here needs a credential, so the public port tells no more than that the gateway is there
// and whether it serves; which workers do not, only to who is on the machine; the numbers are for
// those who reach the other one.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "workers/gateway/reports.h"

namespace gateway {

struct HttpAsk {
    std::string method;
    std::string path;
    std::string host;
    // From this machine, through no proxy.
    bool local = false;
    bool http_1_0 = false;
    // Transfer-Encoding, which this server cannot read.
    bool chunked = false;
    // A body follows, which is not read either.
    bool has_body = false;
};

struct HttpAnswer {
    int status = 200;
    // Status line, headers and the empty line.
    std::string head;
    // Valid as long as the process.
    std::string_view static_body;
    std::string body;
    bool close = false;

    std::string_view content() const { return body.empty() ? static_body : body; }
};

struct PageFile {
    std::string_view path;  // "index.html"
    std::string_view content;
};
// The page as built into this program.
std::span<const PageFile> page_files();

struct HttpFacts {
    Readiness readiness;
    bool degraded = false;
    bool page_enabled = true;
    std::span<const PageFile> page;
};

HttpAnswer answer_http(const HttpAsk& ask, const HttpFacts& facts);
// The port for /metrics knows nothing else. `text` is called for a request that is answered.
HttpAnswer metrics_answer(const HttpAsk& ask, const std::function<std::string()>& text);
// The answer to a request that is refused before it is looked at: 403, 503, …
HttpAnswer refusal_answer(int status, std::string_view text);

}  // namespace gateway
