#include "workers/gateway/http_answer.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace gateway {

namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";
constexpr std::string_view prometheus_text = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view json_text = "application/json; charset=utf-8";

struct StatusText {
    int status;
    std::string_view text;
};
constexpr StatusText status_texts[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {411, "Length Required"},
    {426, "Upgrade Required"},
    {503, "Service Unavailable"},
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

const ContentType* content_type_of(std::string_view path) {
    for (const ContentType& row : content_types)
        if (path.size() > row.ending.size() &&
            path.substr(path.size() - row.ending.size()) == row.ending)
            return &row;
    return nullptr;
}

// What may stand in a header without being escaped.
bool is_plain_host(std::string_view host) {
    return !host.empty() && host.size() <= 255 &&
           std::all_of(host.begin(), host.end(), [](char letter) {
               return std::isalnum(static_cast<unsigned char>(letter)) || letter == '.' ||
                      letter == '-' || letter == ':' || letter == '[' || letter == ']' ||
                      letter == '_';
           });
}

// The page may load its own files and talk to its own gateway, and nothing else.
std::string page_policy(const std::string& host) {
    std::string own_socket;
    if (is_plain_host(host)) own_socket = " ws://" + host + " wss://" + host;
    return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
           "connect-src 'self'" +
           own_socket + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

void finish(HttpAnswer& answer, std::string_view type, const std::string& more = {}) {
    answer.head = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    answer.head.append(status_text(answer.status)).append("\r\nContent-Type: ").append(type);
    answer.head += "\r\nContent-Length: " + std::to_string(answer.content().size());
    answer.head += "\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff";
    answer.head += "\r\nReferrer-Policy: no-referrer" + more;
    answer.head += answer.close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n";
}

HttpAnswer text_answer(int status, std::string_view text, bool close) {
    HttpAnswer answer;
    answer.status = status;
    answer.body = std::string(text);
    answer.close = close;
    finish(answer, plain_text,
           status == 405   ? "\r\nAllow: GET, HEAD"
           : status == 426 ? "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
                           : "");
    return answer;
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

std::string probe_text(bool ok, std::string_view status, const std::vector<NotReady>& missing) {
    if (missing.empty())
        return std::string(R"({"ok":)") + (ok ? "true" : "false") + R"(,"status":")" +
               std::string(status) + "\"}";
    Json text = {{"ok", ok}, {"status", status}, {"workers", Json::array()}};
    for (const NotReady& row : missing)
        text["workers"].push_back({{"name", row.worker}, {"why", row.why}});
    return print_json(text);
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
                 : !ok                     ? "not ready"
                 : facts.degraded          ? "degraded"
                                           : "ready";
    }
    HttpAnswer answer;
    answer.status = ok ? 200 : 503;
    answer.close = close;
    const bool names_them = probe == Probe::ready && ask.local;
    answer.body = probe_text(ok, status, names_them ? readiness.missing : std::vector<NotReady>());
    finish(answer, json_text);
    return answer;
}

const PageFile* find_file(const HttpFacts& facts, std::string_view path) {
    for (const PageFile& file : facts.page)
        if (file.path == path) return &file;
    return nullptr;
}

HttpAnswer page_answer(const HttpAsk& ask, const HttpFacts& facts) {
    const std::string_view path =
        ask.path.empty() || ask.path == "/" ? "index.html" : std::string_view(ask.path).substr(1);
    const PageFile* file = facts.page_enabled ? find_file(facts, path) : nullptr;
    // A route inside the page; what is named like a file must be one.
    const bool is_route = !content_type_of(path) && ask.path.rfind("/assets/", 0) != 0;
    if (!file && facts.page_enabled && is_route) file = find_file(facts, "index.html");
    if (!file) return text_answer(404, "Not Found", ask.http_1_0);
    HttpAnswer answer;
    answer.static_body = file->content;
    answer.close = ask.http_1_0;
    const ContentType* type = content_type_of(file->path);
    finish(answer, type ? type->type : "application/octet-stream",
           "\r\nContent-Security-Policy: " + page_policy(ask.host));
    return answer;
}

// Whatever has a body ends the connection: the body stays unread.
std::optional<HttpAnswer> refused_outright(const HttpAsk& ask) {
    if (ask.chunked) return text_answer(411, "Length Required", true);
    if (ask.method != "GET" && ask.method != "HEAD")
        return text_answer(405, "Method Not Allowed", true);
    return std::nullopt;
}

}  // namespace

HttpAnswer answer_http(const HttpAsk& ask, const HttpFacts& facts) {
    if (auto refused = refused_outright(ask)) return std::move(*refused);
    const bool close = ask.http_1_0 || ask.has_body;
    for (const ProbePath& row : probe_paths)
        if (row.path == ask.path) return probe_answer(row.probe, ask, facts, close);
    HttpAsk plain = ask;
    plain.http_1_0 = close;
    return page_answer(plain, facts);
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
    return text_answer(status, text, true);
}

}  // namespace gateway
