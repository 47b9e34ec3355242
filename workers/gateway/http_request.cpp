#include "workers/gateway/http_request.h"

#include <strings.h>

#include <charconv>

namespace gateway {

namespace {

std::string found_in(const std::map<std::string, std::string>& values, std::string_view name) {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::string() : found->second;
}

}  // namespace

std::string HttpAsk::header(std::string_view name) const {
    return found_in(headers, name);
}

std::string HttpAsk::argument(std::string_view name) const {
    return found_in(query, name);
}

std::string bearer_of(std::string_view authorization) {
    constexpr std::string_view scheme = "bearer ";
    if (authorization.size() <= scheme.size() ||
        strncasecmp(authorization.data(), scheme.data(), scheme.size()) != 0)
        return {};
    authorization.remove_prefix(scheme.size());
    const size_t first = authorization.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    const size_t last = authorization.find_last_not_of(" \t");
    return std::string(authorization.substr(first, last - first + 1));
}

void read_length(HttpAsk& ask, std::string_view content_length) {
    ask.has_body = !content_length.empty() && content_length != "0";
    if (!ask.has_body) return;
    const char* const end = content_length.data() + content_length.size();
    const auto done = std::from_chars(content_length.data(), end, ask.body_bytes);
    ask.bad_length = done.ec != std::errc{} || done.ptr != end;
    if (ask.bad_length) ask.body_bytes = 0;
}

}  // namespace gateway
