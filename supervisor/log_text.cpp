#include "supervisor/log_text.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace supervisor {

namespace {

// Length of the well-formed UTF-8 sequence at the start, 0 when there is none.
size_t utf8_length(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    const size_t length = lead < 0x80                    ? 1
                          : lead >= 0xc2 && lead <= 0xdf ? 2
                          : lead >= 0xe0 && lead <= 0xef ? 3
                          : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                         : 0;
    if (length == 0 || text.size() < length) return 0;
    for (size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;
    if (lead == 0xed && byte(1) > 0x9f) return 0;
    if (lead == 0xf0 && byte(1) < 0x90) return 0;
    if (lead == 0xf4 && byte(1) > 0x8f) return 0;
    return length;
}

bool is_plain_byte(unsigned char byte) {
    return byte == '\t' || (byte >= 0x20 && byte < 0x7f);
}

// True when every one of eight bytes is from 0x20 to 0x7e: a bit at the top of each that is not.
bool are_printable(const char* bytes) {
    constexpr uint64_t ones = 0x0101010101010101;
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    const uint64_t too_small = (word - ones * 0x20) & ~word;
    const uint64_t too_large = (word + ones) | word;
    return ((too_small | too_large) & (ones * 0x80)) == 0;
}

void append_escaped(std::string& out, unsigned char byte) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    out += escaped;
}

char short_escape(char byte) {
    constexpr std::string_view bytes = "\"\\\n\r\t\b\f";
    constexpr std::string_view letters = "\"\\nrtbf";
    const size_t at = bytes.find(byte);
    return at == std::string_view::npos ? '\0' : letters[at];
}

}  // namespace

bool is_plain(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    for (; end - at >= 8; at += 8)
        if (!are_printable(at) && !std::all_of(at, at + 8, is_plain_byte)) return false;
    return std::all_of(at, end, is_plain_byte);
}

std::string escape_control(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 16);
    while (!text.empty()) {
        const size_t length = utf8_length(text);
        const auto lead = static_cast<unsigned char>(text[0]);
        // C1 controls (U+0080…U+009F) steer terminals too.
        const bool c1 = length == 2 && lead == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
        if (length == 0 || c1 || (length == 1 && !is_plain_byte(lead))) {
            append_escaped(out, c1 ? static_cast<unsigned char>(text[1]) : lead);
            text.remove_prefix(c1 ? 2 : 1);
        } else {
            out += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return out;
}

size_t whole_characters(std::string_view text, size_t most) {
    if (text.size() <= most) return text.size();
    // A byte that continues a character does not begin a piece; more than three are no UTF-8.
    for (size_t at = most; at > 0 && most - at < 4; --at)
        if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) return at;
    return most;
}

std::string json_escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 8);
    for (const char byte : text) {
        if (const char letter = short_escape(byte)) {
            out += '\\';
            out += letter;
        } else if (static_cast<unsigned char>(byte) < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(byte));
            out += escaped;
        } else {
            out += byte;
        }
    }
    return out;
}

Levelled split_level(std::string_view text) {
    for (const std::string_view word : {"trace", "debug", "warn", "error"})
        if (text.starts_with(word) && text.substr(word.size()).starts_with(": "))
            return {word, text.substr(word.size() + 2)};
    return {"info", text};
}

}  // namespace supervisor
