#include "workers/gateway/lws_request.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

#include "workers/gateway/websocket_rules.h"

namespace gateway {

namespace {

constexpr int longest_value = 4096;

std::string header(lws* wsi, lws_token_indexes token) {
    const int length = lws_hdr_total_length(wsi, token);
    if (length <= 0 || length > longest_value) return {};
    std::string value(static_cast<size_t>(length) + 1, '\0');
    const int copied = lws_hdr_copy(wsi, value.data(), length + 1, token);
    value.resize(copied > 0 ? static_cast<size_t>(copied) : 0);
    return value;
}

// One that libwebsockets has no number for; `name` in lower case with its colon.
std::string custom_header(lws* wsi, std::string_view name) {
    const int name_length = static_cast<int>(name.size());
    const int length = lws_hdr_custom_length(wsi, name.data(), name_length);
    if (length <= 0 || length > longest_value) return {};
    std::string value(static_cast<size_t>(length) + 1, '\0');
    const int copied = lws_hdr_custom_copy(wsi, value.data(), length + 1, name.data(), name_length);
    value.resize(copied > 0 ? static_cast<size_t>(copied) : 0);
    return value;
}

bool has_custom(lws* wsi, std::string_view name) {
    return lws_hdr_custom_length(wsi, name.data(), static_cast<int>(name.size())) >= 0;
}

constexpr std::string_view proxy_headers[] = {
    "x-forwarded-host:",     "x-forwarded-proto:", "x-forwarded-port:", "fly-client-ip:",
    "fly-request-id:",       "cf-connecting-ip:",  "forwarded:",        "via:",
    "tailscale-user-login:",
};

struct MethodToken {
    lws_token_indexes token;
    std::string_view method;
};
constexpr MethodToken method_tokens[] = {
    {WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
    {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_PUT_URI, "PUT"},
    {WSI_TOKEN_PATCH_URI, "PATCH"},     {WSI_TOKEN_DELETE_URI, "DELETE"},
    {WSI_TOKEN_HEAD_URI, "HEAD"},       {WSI_TOKEN_CONNECT, "CONNECT"},
};

}  // namespace

RequestHeaders read_headers(lws* wsi) {
    RequestHeaders read;
    read.host = header(wsi, WSI_TOKEN_HOST);
    read.origin = header(wsi, WSI_TOKEN_ORIGIN);
    read.user_agent = header(wsi, WSI_TOKEN_HTTP_USER_AGENT);
    read.forwarded_for = header(wsi, WSI_TOKEN_X_FORWARDED_FOR);
    read.real_ip = header(wsi, WSI_TOKEN_HTTP_X_REAL_IP);
    read.fly_client_ip = custom_header(wsi, "fly-client-ip:");
    read.tailscale_login = custom_header(wsi, "tailscale-user-login:");
    read.has_forwarded_proto = has_custom(wsi, "x-forwarded-proto:");
    read.has_forwarded_host = has_custom(wsi, "x-forwarded-host:");
    read.forwarded = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
                     lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_X_REAL_IP) > 0 ||
                     lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_VIA) > 0;
    for (const std::string_view name : proxy_headers)
        read.forwarded = read.forwarded || has_custom(wsi, name);
    return read;
}

HttpAsk read_ask(lws* wsi) {
    HttpAsk ask;
    for (const MethodToken& row : method_tokens) {
        if (lws_hdr_total_length(wsi, row.token) <= 0) continue;
        ask.method = row.method;
        ask.path = header(wsi, row.token);
        break;
    }
    ask.host = header(wsi, WSI_TOKEN_HOST);
    ask.http_1_0 = header(wsi, WSI_TOKEN_HTTP).find("1.0") != std::string::npos;
    ask.chunked = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    const std::string length = header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    ask.has_body = !length.empty() && length != "0";
    return ask;
}

int opening_fault(lws* wsi) {
    return refused_opening(read_ask(wsi).method, header(wsi, WSI_TOKEN_VERSION),
                           header(wsi, WSI_TOKEN_KEY));
}

void read_close(std::string_view payload, int& code, std::string& reason) {
    if (payload.size() < 2) {
        code = 1005;  // a close frame without a code
        return;
    }
    code = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
    reason = std::string(payload.substr(2, 123));
}

std::string peer_address(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET)
        inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&address)->sin_addr, text, sizeof text);
    else if (address.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr, text,
                  sizeof text);
    return plain_address(text);
}

}  // namespace gateway
