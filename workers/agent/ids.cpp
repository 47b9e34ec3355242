#include "workers/agent/ids.h"

#include <sys/random.h>

#include <cstdint>
#include <cstdlib>

namespace agent {

namespace {

constexpr size_t longest_agent_id = 64;
constexpr size_t longest_session_id = 128;
constexpr size_t longest_key = 512;

bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

std::string random_hex(size_t digits) {
    unsigned char bytes[32];
    if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) std::abort();
    static constexpr char hex[] = "0123456789abcdef";
    std::string text;
    for (size_t i = 0; i < digits; ++i) text += hex[(bytes[i / 2] >> (i % 2 * 4)) & 15];
    return text;
}

bool has_control(std::string_view text) {
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
    return false;
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n\f\v";
    const size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool is_agent_id(std::string_view text) {
    if (text.empty() || text.size() > longest_agent_id || !is_lower_or_digit(text[0])) return false;
    for (const char c : text)
        if (!is_lower_or_digit(c) && c != '_' && c != '-') return false;
    return true;
}

bool is_session_id(std::string_view text) {
    if (text.empty() || text.size() > longest_session_id) return false;
    const auto alphanumeric = [](char c) { return is_lower_or_digit(c) || is_upper(c); };
    if (!alphanumeric(text[0])) return false;
    for (const char c : text)
        if (!alphanumeric(c) && c != '.' && c != '_' && c != '-') return false;
    return true;
}

std::string new_session_id() {
    std::string hex = random_hex(32);
    hex[12] = '4';
    hex[16] = "89ab"[hex[16] & 3];
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
           hex.substr(16, 4) + "-" + hex.substr(20);
}

std::string new_entry_id() {
    return random_hex(8);
}

std::string main_key(std::string_view agent, const KeyDefaults& defaults) {
    return defaults.global ? "global" : "agent:" + std::string(agent) + ":main";
}

Result<SessionKey> canonical_key(std::string_view spelling, const KeyDefaults& defaults) {
    const std::string key = lower_case(trimmed(spelling));
    if (key.empty()) return Error{Fault::bad_message, "the session key is empty"};
    if (key.size() > longest_key) return Error{Fault::bad_message, "the session key is too long"};
    if (has_control(key))
        return Error{Fault::bad_message, "the session key contains control characters"};
    if (key == "main") return SessionKey{defaults.agent, main_key(defaults.agent, defaults)};
    if (key == "global" || key == "unknown") return SessionKey{defaults.agent, key};
    constexpr std::string_view prefix = "agent:";
    if (key.compare(0, prefix.size(), prefix) != 0)
        return SessionKey{defaults.agent, "agent:" + defaults.agent + ":" + key};
    const size_t colon = key.find(':', prefix.size());
    const std::string agent = normal_agent_id(std::string_view(key).substr(
        prefix.size(), colon == std::string::npos ? std::string::npos : colon - prefix.size()));
    const std::string rest = colon == std::string::npos ? "" : key.substr(colon + 1);
    if (rest.empty() || rest == "main") return SessionKey{agent, main_key(agent, defaults)};
    return SessionKey{agent, "agent:" + agent + ":" + rest};
}

const char* session_kind(std::string_view key, std::string_view chat_type) {
    if (key == "global") return "global";
    if (key == "unknown") return "unknown";
    if (chat_type == "group" || chat_type == "channel") return "group";
    const bool group = key.find(":group:") != std::string_view::npos ||
                       key.find(":channel:") != std::string_view::npos;
    return group ? "group" : "direct";
}

}  // namespace agent
