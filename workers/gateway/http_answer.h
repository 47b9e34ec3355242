// Answers to plain HTTP requests: how they are written, the health endpoints, and on a port of its
// own /metrics. Pure. What needs a credential is in routes_table.h, the page in page_desk.h.
//
// Nothing here needs a credential, so the public port tells no more than that the gateway is there
// and whether it serves; which workers do not, only to who is on the machine; the numbers are for
// those who reach the other one.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "workers/gateway/http_request.h"
#include "workers/gateway/reports.h"

namespace gateway {

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
};

// What is neither GET nor HEAD, or sends its body in chunks; nothing when it may be looked at.
std::optional<HttpAnswer> refused_outright(const HttpAsk& ask);
// Nothing when it is no health endpoint.
std::optional<HttpAnswer> probe_answer(const HttpAsk& ask, const HttpFacts& facts);
// The port for /metrics knows nothing else. `text` is called for a request that is answered.
HttpAnswer metrics_answer(const HttpAsk& ask, const std::function<std::string()>& text);
// The answer to a request that is refused before it is looked at: 403, 503, …
HttpAnswer refusal_answer(int status, std::string_view text);

// For those who build answers elsewhere. `more` are further header lines, each after its line
// break:
// "\r\nAllow: POST".
HttpAnswer made_answer(int status, std::string_view content_type, std::string body,
                       const std::string& more = {}, bool close = false);
HttpAnswer text_answer(int status, std::string_view text, bool close = false,
                       const std::string& more = {});
HttpAnswer json_answer(int status, const Json& body, const std::string& more = {});
// The head of an answer whose body is `length` bytes that are read as they are sent.
HttpAnswer head_answer(int status, std::string_view content_type, uint64_t length,
                       const std::string& more);
// The head of an answer whose end is not known yet. The body comes in chunks, or ends with the
// connection where the client does not know chunks.
HttpAnswer stream_head(std::string_view content_type, bool http_1_0);
// As made_answer(), with a body that lives as long as the process.
HttpAnswer static_answer(int status, std::string_view content_type, std::string_view body,
                         const std::string& more, bool close);
// The connection ends with this answer: some of the request stays unread.
void end_connection(HttpAnswer& answer);

// "image/png" for "a.png"; empty when the ending is in no table.
std::string_view content_type_of(std::string_view path);
// A name that can stand in a header without being escaped.
bool is_plain_host(std::string_view host);

}  // namespace gateway
