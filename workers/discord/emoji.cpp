#include "workers/discord/emoji.h"

namespace discord {

namespace {

// "<a:name:1>" is how an emoji of a server is written in a text.
std::string_view without_brackets(std::string_view emoji) {
    if (!emoji.starts_with('<') || !emoji.ends_with('>')) return emoji;
    emoji = emoji.substr(1, emoji.size() - 2);
    emoji.remove_prefix(emoji.starts_with("a:") ? 2 : emoji.starts_with(":") ? 1 : 0);
    return emoji;
}

}  // namespace

std::string path_text(std::string_view text) {
    std::string made;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                              (byte >= 'a' && byte <= 'z') || byte == '_' || byte == '-';
        if (is_plain) {
            made += c;
        } else {
            made += '%';
            made += "0123456789ABCDEF"[byte >> 4];
            made += "0123456789ABCDEF"[byte & 15];
        }
    }
    return made;
}

RestRequest reaction_request(const std::string& method, const std::string& channel_id,
                             const std::string& message_id, std::string_view emoji) {
    RestRequest request;
    request.method = method;
    request.route = "/channels/{channel}/messages/{message}/reactions/{emoji}/@me";
    request.path = "/channels/" + channel_id + "/messages/" + message_id + "/reactions/" +
                   path_text(without_brackets(emoji)) + "/@me";
    request.major = channel_id;
    return request;
}

}  // namespace discord
