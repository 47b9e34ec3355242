#include "workers/planner/characters.h"

namespace planner {

namespace {

struct Decoded {
    char32_t character;
    size_t size;
};

constexpr char32_t replacement = 0xFFFD;

// One character of UTF-8; a byte that starts none reads as U+FFFD.
Decoded decode_utf8(std::string_view text) {
    const auto byte = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {replacement, 1};
    char32_t character = lead & (0xFFu >> (size + 1));
    for (size_t index = 1; index < size; ++index) {
        if ((byte(index) & 0xC0) != 0x80) return {replacement, 1};
        character = (character << 6) | (byte(index) & 0x3Fu);
    }
    constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
    if (character < smallest[size] || character > 0x10FFFF || surrogate) return {replacement, 1};
    return {character, size};
}

bool is_ascii_letter(char32_t character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

}  // namespace

void Characters::decode() {
    if (offset_ >= text_.size()) {
        current_ = end;
        size_ = 0;
        return;
    }
    const Decoded decoded = decode_utf8(text_.substr(offset_));
    current_ = decoded.character;
    size_ = decoded.size;
}

char32_t Characters::peek_second() const {
    const size_t next = offset_ + size_;
    return next < text_.size() ? decode_utf8(text_.substr(next)).character : end;
}

char32_t Characters::take() {
    const char32_t taken = current_;
    if (taken == end) return taken;
    if (is_line_end(taken) && !(taken == '\r' && peek_second() == '\n'))
        position_ = {position_.line + 1, 1};
    else
        ++position_.column;
    offset_ += size_;
    decode();
    return taken;
}

bool Characters::take_if(char32_t wanted) {
    if (current_ != wanted) return false;
    take();
    return true;
}

bool Characters::take_if(std::string_view wanted) {
    if (text_.substr(offset_, wanted.size()) != wanted) return false;
    for (size_t count = 0; count < wanted.size(); ++count) take();
    return true;
}

void append_utf8(std::string& to, char32_t character) {
    const auto tail = [&](int shift) {
        to += static_cast<char>(0x80 | ((character >> shift) & 0x3F));
    };
    if (character < 0x80) {
        to += static_cast<char>(character);
    } else if (character < 0x800) {
        to += static_cast<char>(0xC0 | (character >> 6));
        tail(0);
    } else if (character < 0x10000) {
        to += static_cast<char>(0xE0 | (character >> 12));
        tail(6), tail(0);
    } else {
        to += static_cast<char>(0xF0 | (character >> 18));
        tail(12), tail(6), tail(0);
    }
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const Decoded decoded = decode_utf8(text);
        append_utf8(valid, decoded.character);
        text.remove_prefix(decoded.size);
    }
    return valid;
}

bool is_line_end(char32_t character) {
    return character == '\n' || character == '\r' || character == 0x2028 || character == 0x2029;
}

bool is_space(char32_t character) {
    switch (character) {
        case ' ':
        case '\t':
        case '\v':
        case '\f':
        case 0xA0:
        case 0x1680:
        case 0x202F:
        case 0x205F:
        case 0x3000:
        case 0xFEFF:
            return true;
        default:
            return is_line_end(character) || (character >= 0x2000 && character <= 0x200A);
    }
}

bool starts_identifier(char32_t character) {
    if (character < 0x80) return is_ascii_letter(character) || character == '$' || character == '_';
    const bool punctuation = character >= 0x2010 && character <= 0x206F;  // dashes, quotes, …
    return character != Characters::end && character != replacement && character >= 0xAA &&
           !is_space(character) && !punctuation;
}

bool continues_identifier(char32_t character) {
    const bool joiner = character == 0x200C || character == 0x200D;
    return starts_identifier(character) || (character >= '0' && character <= '9') || joiner;
}

int hex_value(char32_t character) {
    if (character >= '0' && character <= '9') return static_cast<int>(character - '0');
    if (character >= 'a' && character <= 'f') return static_cast<int>(character - 'a' + 10);
    if (character >= 'A' && character <= 'F') return static_cast<int>(character - 'A' + 10);
    return -1;
}

}  // namespace planner
