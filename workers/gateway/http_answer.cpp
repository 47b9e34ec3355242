#include "workers/gateway/http_answer.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace gateway {

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view prometheus_text = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view json_text = "application/json; charset=utf-8";
constexpr const char* upgrade_header = "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
constexpr const char* allow_get = "\r\nAllow: GET, HEAD";

struct StatusText {
    int status;
    std::string_view text;
};
constexpr StatusText status_texts[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

struct ContentType {
    std::string_view ending;
    std::string_view type;
};
constexpr ContentType content_types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "application/javascript; charset=utf-8"},
    {".mjs", "application/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json; charset=utf-8"},
    {".map", "application/json; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
};

std::string_view status_text(int status) {
    for (const StatusText& row : status_texts)
        if (row.status == status) return row.text;
    return "Error";
}

void write_head(HttpAnswer& answer, std::string_view type, uint64_t length,
                const std::string& more) {
    answer.head = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    answer.head.append(status_text(answer.status)).append("\r\nContent-Type: ").append(type);
    if (answer.status != 204 && answer.status != 304)
        answer.head += "\r\nContent-Length: " + std::to_string(length);
    answer.head += "\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff";
    answer.head += "\r\nReferrer-Policy: no-referrer" + more;
    answer.head += answer.close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n";
}

void finish(HttpAnswer& answer, std::string_view type, const std::string& more = {}) {
    write_head(answer, type, answer.content().size(), more);
}

enum class Probe { live, started, ready };
struct ProbePath {
    std::string_view path;
    Probe probe;
};
constexpr ProbePath probe_paths[] = {
    {"/healthz", Probe::live},    {"/health", Probe::live},  {"/startupz", Probe::started},
    {"/startup", Probe::started}, {"/readyz", Probe::ready}, {"/ready", Probe::ready},
};

// `volume` is what is wrong with it; empty: nothing, or not to be told.
std::string probe_text(bool ok, std::string_view status, const std::vector<NotReady>& missing,
                       const std::string& volume) {
    if (missing.empty() && volume.empty())
        return std::string(R"({"ok":)") + (ok ? "true" : "false") + R"(,"status":")" +
               std::string(status) + "\"}";
    Json text = {{"ok", ok}, {"status", status}};
    if (!volume.empty()) text["volume"] = volume;
    for (const NotReady& row : missing)
        text["workers"].push_back({{"name", row.worker}, {"why", row.why}});
    return print_json(text);
}

// Told to everybody: in a word, without figures.
std::string_view not_ready_in_a_word(const Readiness& readiness) {
    return readiness.missing.empty() && !readiness.volume.empty() ? "volume filling" : "not ready";
}

HttpAnswer probe_answer(Probe probe, const HttpAsk& ask, const HttpFacts& facts, bool close) {
    const Readiness& readiness = facts.readiness;
    bool ok = true;
    std::string_view status = "live";
    if (probe != Probe::live) {
        ok = probe == Probe::started ? readiness.started : readiness.ready;
        status = readiness.draining        ? "draining"
                 : !readiness.started      ? "starting"
                 : probe == Probe::started ? "started"
                 : !ok                     ? not_ready_in_a_word(readiness)
                 : facts.degraded          ? "degraded"
                                           : "ready";
    }
    HttpAnswer answer;
    answer.status = ok ? 200 : 503;
    answer.close = close;
    const bool names_them = probe == Probe::ready && ask.local;
    answer.body = probe_text(ok, status, names_them ? readiness.missing : std::vector<NotReady>(),
                             names_them ? readiness.volume : std::string());
    finish(answer, json_text);
    return answer;
}

}  // namespace

// Whatever has a body ends the connection: the body stays unread.
std::optional<HttpAnswer> refused_outright(const HttpAsk& ask) {
    if (ask.chunked) return text_answer(411, "Length Required", true);
    if (ask.method != "GET" && ask.method != "HEAD")
        return text_answer(405, "Method Not Allowed", true, allow_get);
    return std::nullopt;
}

std::optional<HttpAnswer> probe_answer(const HttpAsk& ask, const HttpFacts& facts) {
    for (const ProbePath& row : probe_paths)
        if (row.path == ask.path)
            return probe_answer(row.probe, ask, facts, ask.http_1_0 || ask.has_body);
    return std::nullopt;
}

HttpAnswer metrics_answer(const HttpAsk& ask, const std::function<std::string()>& text) {
    if (auto refused = refused_outright(ask)) return std::move(*refused);
    const bool close = ask.http_1_0 || ask.has_body;
    if (ask.path != "/metrics") return text_answer(404, "Not Found; try /metrics", close);
    HttpAnswer answer;
    answer.close = close;
    answer.body = text();
    finish(answer, prometheus_text);
    return answer;
}

HttpAnswer refusal_answer(int status, std::string_view text) {
    return text_answer(status, text, true, status == 426 ? upgrade_header : "");
}

HttpAnswer made_answer(int status, std::string_view content_type, std::string body,
                       const std::string& more, bool close) {
    HttpAnswer answer;
    answer.status = status;
    answer.body = std::move(body);
    answer.close = close;
    finish(answer, content_type, more);
    return answer;
}

HttpAnswer static_answer(int status, std::string_view content_type, std::string_view body,
                         const std::string& more, bool close) {
    HttpAnswer answer;
    answer.status = status;
    answer.static_body = body;
    answer.close = close;
    finish(answer, content_type, more);
    return answer;
}

HttpAnswer text_answer(int status, std::string_view text, bool close, const std::string& more) {
    return made_answer(status, plain_text, std::string(text), more, close);
}

HttpAnswer json_answer(int status, const Json& body, const std::string& more) {
    return made_answer(status, json_text, print_json(body), more);
}

HttpAnswer head_answer(int status, std::string_view content_type, uint64_t length,
                       const std::string& more) {
    HttpAnswer answer;
    answer.status = status;
    write_head(answer, content_type, length, more);
    return answer;
}

HttpAnswer stream_head(std::string_view content_type, bool http_1_0) {
    HttpAnswer answer;
    answer.close = http_1_0;
    answer.head = "HTTP/1.1 200 OK\r\nContent-Type: ";
    answer.head.append(content_type);
    answer.head += "\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff";
    answer.head += "\r\nX-Accel-Buffering: no";  // a proxy must not collect it
    answer.head +=
        http_1_0 ? "\r\nConnection: close\r\n\r\n" : "\r\nTransfer-Encoding: chunked\r\n\r\n";
    return answer;
}

void end_connection(HttpAnswer& answer) {
    if (answer.close) return;
    answer.close = true;
    answer.head.insert(answer.head.size() - 2, "Connection: close\r\n");
}

std::string_view content_type_of(std::string_view path) {
    for (const ContentType& row : content_types)
        if (path.size() > row.ending.size() &&
            path.substr(path.size() - row.ending.size()) == row.ending)
            return row.type;
    return {};
}

bool is_plain_host(std::string_view host) {
    return !host.empty() && host.size() <= 255 &&
           std::all_of(host.begin(), host.end(), [](char letter) {
               return std::isalnum(static_cast<unsigned char>(letter)) || letter == '.' ||
                      letter == '-' || letter == ':' || letter == '[' || letter == ']' ||
                      letter == '_';
           });
}

}  // namespace gateway
