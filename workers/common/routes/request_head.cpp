#include "workers/common/routes/request_head.h"

#include <algorithm>
#include <charconv>

namespace {

constexpr size_t longest_method = 16;
constexpr size_t longest_target = 8 * 1024;

bool is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               marks.find(c) != std::string_view::npos;
    });
}

bool is_target(std::string_view text) {
    return !text.empty() && text.size() <= longest_target && text.front() == '/' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

bool is_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == '\t' || (byte >= ' ' && byte != 0x7f);
    });
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool read_first_line(std::string_view line, RequestHead& head) {
    const size_t first = line.find(' ');
    const size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) return false;
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, second - first - 1);
    const std::string_view version = line.substr(second + 1);
    if (!is_token(method) || method.size() > longest_method || !is_target(target)) return false;
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
    head.method = method;
    head.target = target;
    head.http_1_0 = version == "HTTP/1.0";
    return true;
}

bool read_length(std::string_view text, uint64_t& length) {
    constexpr size_t most_digits = 15;
    if (text.empty() || text.size() > most_digits) return false;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), length);
    return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// Whether a comma-separated list has that word.
bool lists(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        if (same_header_name(trimmed(list.substr(0, comma)), word)) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

// The status of a refusal, or 0.
int read_headers(std::string_view lines, RequestHead& head) {
    while (!lines.empty()) {
        const size_t end = lines.find("\r\n");
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end + 2);
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return 400;
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (!is_value(value)) return 400;
        if (head.headers.size() == RequestHead::most_headers) return 431;
        head.headers.emplace_back(line.substr(0, colon), value);
    }
    return 0;
}

int read_meaning(RequestHead& head) {
    int lengths = 0, hosts = 0;
    bool wants_upgrade = false, names_websocket = false;
    for (const auto& [name, value] : head.headers) {
        if (same_header_name(name, "content-length")) {
            if (++lengths > 1 || !read_length(value, head.body_bytes)) return 400;
        } else if (same_header_name(name, "transfer-encoding")) {
            return 411;
        } else if (same_header_name(name, "host")) {
            if (++hosts > 1) return 400;
        } else if (same_header_name(name, "expect")) {
            if (!same_header_name(value, "100-continue")) return 417;
            head.expects_continue = true;
        } else if (same_header_name(name, "connection")) {
            wants_upgrade = wants_upgrade || lists(value, "upgrade");
        } else if (same_header_name(name, "upgrade")) {
            names_websocket = same_header_name(value, "websocket");
        }
    }
    if (hosts == 0 && !head.http_1_0) return 400;
    head.opens_websocket = wants_upgrade && names_websocket && !head.http_1_0;
    return 0;
}

struct Phrase {
    int status;
    std::string_view text;
};
constexpr Phrase phrases[] = {
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

}  // namespace

std::string_view RequestHead::path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::string_view RequestHead::query() const {
    const size_t mark = target.find('?');
    return mark == std::string::npos ? std::string_view()
                                     : std::string_view(target).substr(mark + 1);
}

std::string_view RequestHead::header(std::string_view name) const {
    for (const auto& [own, value] : headers)
        if (same_header_name(own, name)) return value;
    return {};
}

bool same_header_name(std::string_view one, std::string_view other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

HeadReading read_request_head(std::string_view bytes) {
    HeadReading reading;
    const size_t end = bytes.substr(0, RequestHead::most_bytes).find("\r\n\r\n");
    if (end == std::string_view::npos) {
        const size_t line = bytes.find('\n');
        const bool is_bare =
            line != std::string_view::npos && (line == 0 || bytes[line - 1] != '\r');
        if (is_bare)
            reading.refusal = 400;
        else if (bytes.size() >= RequestHead::most_bytes)
            reading.refusal = 431;
        return reading;
    }
    RequestHead head;
    const std::string_view lines = bytes.substr(0, end + 2);
    const size_t first = lines.find("\r\n");
    if (!read_first_line(lines.substr(0, first), head)) {
        reading.refusal = 400;
        return reading;
    }
    reading.refusal = read_headers(lines.substr(first + 2), head);
    if (reading.refusal == 0) reading.refusal = read_meaning(head);
    if (reading.refusal != 0) return reading;
    reading.head = std::move(head);
    reading.size = end + 4;
    return reading;
}

std::optional<std::string_view> path_of_request(std::string_view bytes) {
    const size_t first = bytes.find(' ');
    if (first == std::string_view::npos) return {};
    const size_t end = bytes.find_first_of(" ?\r\n", first + 1);
    if (end == std::string_view::npos) return {};
    return bytes.substr(first + 1, end - first - 1);
}

std::string_view reason_phrase(int status) {
    for (const Phrase& phrase : phrases)
        if (phrase.status == status) return phrase.text;
    return "Unknown";
}
