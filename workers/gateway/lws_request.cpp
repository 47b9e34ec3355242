#include "workers/gateway/lws_request.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
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

// These say who asks, not what, and stay out of what is made of a request.
constexpr std::string_view credential_headers[] = {"authorization", "x-openclaw-token", "cookie",
                                                   "proxy-authorization"};

// Read of every request.
constexpr const char* usual_headers[] = {"accept-encoding", "if-none-match"};

// Of any name; libwebsockets knows some by number only.
std::string any_header(lws* wsi, const std::string& name) {
    if (std::find(std::begin(credential_headers), std::end(credential_headers), name) !=
        std::end(credential_headers))
        return {};
    const std::string with_colon = name + ":";
    for (int token = 0; token < WSI_TOKEN_COUNT; ++token) {
        const auto index = static_cast<lws_token_indexes>(token);
        const unsigned char* const known = lws_token_to_string(index);
        if (known && with_colon == reinterpret_cast<const char*>(known)) return header(wsi, index);
    }
    return custom_header(wsi, with_colon);
}

// Each argument as libwebsockets has decoded it.
void read_query(lws* wsi, HttpAsk& ask) {
    constexpr int most_arguments = 64;
    for (int number = 0; number < most_arguments; ++number) {
        char text[longest_value] = {};
        const int length =
            lws_hdr_copy_fragment(wsi, text, sizeof text, WSI_TOKEN_HTTP_URI_ARGS, number);
        if (length < 0) return;
        const std::string_view argument(text, static_cast<size_t>(length));
        const size_t equals = argument.find('=');
        std::string name(argument.substr(0, equals));
        std::string value(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
        if (name == "token")
            ask.query_token = Secret(std::move(value));
        else if (!name.empty())
            ask.query.emplace(std::move(name), std::move(value));
    }
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

HttpAsk read_ask(lws* wsi, const std::vector<std::string>& headers) {
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
    read_length(ask, header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH));
    ask.expects_continue = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_EXPECT) > 0;
    ask.bearer = Secret(bearer_of(header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION)));
    ask.openclaw_token = Secret(custom_header(wsi, "x-openclaw-token:"));
    read_query(wsi, ask);
    const auto keep = [&](const std::string& name) {
        if (std::string value = any_header(wsi, name); !value.empty())
            ask.headers[name] = std::move(value);
    };
    for (const char* name : usual_headers) keep(name);
    for (const std::string& name : headers) keep(name);
    return ask;
}

int opening_fault(lws* wsi) {
    const int fault = refused_opening(read_ask(wsi).method, header(wsi, WSI_TOKEN_VERSION),
                                      header(wsi, WSI_TOKEN_KEY));
    if (fault != 0 || lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) <= 0) return fault;
    const std::string offered = header(wsi, WSI_TOKEN_PROTOCOL);  // empty: longer than is read
    return !offered.empty() && takes_subprotocol(offered) ? 0 : 400;
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
