#include "workers/gateway/control_ui.h"

#include <sodium.h>

#include <algorithm>
#include <cctype>

#include "workers/common/base/json.h"
#include "workers/gateway/http_answer.h"

namespace gateway {

namespace {

constexpr std::string_view assets = "/assets/";
constexpr std::string_view avatars = "/avatar/";
constexpr std::string_view name_global = "__OPENCLAW_ASSISTANT_NAME__";

bool is_agent_id(std::string_view text) {
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= 64 && plain(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return plain(c) || c == '_' || c == '-'; });
}

bool is_unreserved(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string made;
    for (const char c : text) {
        if (is_unreserved(c)) {
            made += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        made += '%';
        made += digits[byte >> 4];
        made += digits[byte & 15];
    }
    return made;
}

std::string query_of(const HttpAsk& ask) {
    std::string text;
    const auto add = [&](std::string_view name, std::string_view value) {
        text += text.empty() ? "?" : "&";
        text += percent_encoded(name) + "=" + percent_encoded(value);
    };
    if (!ask.query_token.empty()) add("token", ask.query_token.reveal());
    for (const auto& [name, value] : ask.query) add(name, value);
    return text;
}

// Relative addresses of a page inside the page lead below it.
std::string file_name(std::string_view path) {
    const size_t place = path.find(assets);
    if (place != std::string_view::npos) path.remove_prefix(place);
    while (!path.empty() && path.front() == '/') path.remove_prefix(1);
    return path.empty() ? "index.html" : std::string(path);
}

bool climbs(std::string_view path) {
    return path.find('\0') != std::string_view::npos || path.find("..") != std::string_view::npos;
}

// What ends a script element cannot stand in one.
std::string script_text(const std::string& text) {
    std::string quoted;
    append_quoted(quoted, text);
    std::string safe;
    for (const char c : quoted) {
        if (c == '<')
            safe += "\\u003c";
        else
            safe += c;
    }
    return safe;
}

std::string digest_source(const std::string& script) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(script.data()),
                       script.size());
    char text[sodium_base64_ENCODED_LEN(sizeof digest, sodium_base64_VARIANT_ORIGINAL)];
    sodium_bin2base64(text, sizeof text, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
    return std::string(" 'sha256-") + text + "'";
}

}  // namespace

std::string normal_base_path(std::string_view text) {
    while (!text.empty() && text.front() == '/') text.remove_prefix(1);
    while (!text.empty() && text.back() == '/') text.remove_suffix(1);
    return text.empty() ? std::string() : "/" + std::string(text);
}

UiTarget ui_target(const HttpAsk& ask, const std::string& base_path) {
    std::string_view path = ask.path;
    if (!base_path.empty()) {
        if (path == base_path)
            return {UiTarget::What::redirect, base_path + "/" + query_of(ask), false};
        if (!path.starts_with(base_path + "/")) return {};
        path.remove_prefix(base_path.size());
    } else if (path == "/ui" || path.starts_with("/ui/")) {
        return {};  // where a page often is that has a base path: none of this one's places
    }
    if (climbs(path)) return {};
    if (path.starts_with(avatars)) {
        const std::string_view agent = path.substr(avatars.size());
        if (!is_agent_id(agent)) return {};
        return {UiTarget::What::avatar, std::string(agent), false};
    }
    UiTarget target{UiTarget::What::file, file_name(path), false};
    // What is named like a file must be one.
    target.may_be_route =
        content_type_of(target.name).empty() && !target.name.starts_with(assets.substr(1));
    return target;
}

std::string with_globals(std::string_view html, const UiGlobals& globals) {
    const size_t place = html.find("</head>");
    if (place == std::string_view::npos || html.find(name_global) != std::string_view::npos)
        return std::string(html);
    std::string page(html.substr(0, place));
    page += "<script>window.__OPENCLAW_CONTROL_UI_BASE_PATH__=" + script_text(globals.base_path);
    page += ";window.__OPENCLAW_ASSISTANT_NAME__=" + script_text(globals.assistant_name);
    page += ";window.__OPENCLAW_ASSISTANT_AVATAR__=" + script_text(globals.assistant_avatar);
    page += ";</script>";
    return page.append(html.substr(place));
}

std::vector<std::string> inline_scripts(std::string_view html) {
    std::vector<std::string> scripts;
    constexpr std::string_view open = "<script";
    constexpr std::string_view close = "</script>";
    for (size_t place = html.find(open); place != std::string_view::npos;
         place = html.find(open, place)) {
        const size_t begin = html.find('>', place);
        if (begin == std::string_view::npos) break;
        const size_t end = html.find(close, begin);
        if (end == std::string_view::npos) break;
        const std::string_view tag = html.substr(place, begin - place);
        if (tag.find(" src=") == std::string_view::npos)
            scripts.emplace_back(html.substr(begin + 1, end - begin - 1));
        place = end;
    }
    return scripts;
}

std::string ui_headers(const std::string& host, const std::vector<std::string>& scripts,
                       UiBuild build) {
    std::string own_socket;
    if (is_plain_host(host)) own_socket = " ws://" + host + " wss://" + host;
    std::string policy = "default-src 'none'; script-src 'self'";
    for (const std::string& script : scripts) policy += digest_source(script);
    // OpenClaw's page sets styles from its scripts, and may show pictures from anywhere.
    policy += build == UiBuild::built_in
                  ? "; style-src 'self'; img-src 'self' data:"
                  : "; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https:; "
                    "font-src 'self' data:; media-src 'self' data: blob:; manifest-src 'self'; "
                    "worker-src 'self'";
    policy += "; connect-src 'self'" + own_socket;
    policy += "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    return "\r\nContent-Security-Policy: " + policy;
}

}  // namespace gateway
