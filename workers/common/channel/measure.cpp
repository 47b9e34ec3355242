#include "workers/common/channel/measure.h"

namespace {

struct Character {
    char32_t value = 0;
    size_t size = 0;
};

constexpr char32_t no_character = 0xffffffff;

// What a lead byte promises: the length, and the least value that is not over-long.
struct Lead {
    unsigned char mask, is;
    size_t size;
    char32_t least;
};
constexpr Lead leads[] = {
    {0xe0, 0xc0, 2, 0x80},
    {0xf0, 0xe0, 3, 0x800},
    {0xf8, 0xf0, 4, 0x10000},
};

Character first_character(std::string_view text) {
    if (text.empty()) return {};
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) < 0x80) return {byte(0), 1};
    for (const Lead& lead : leads) {
        if ((byte(0) & lead.mask) != lead.is || text.size() < lead.size) continue;
        char32_t value = byte(0) & static_cast<unsigned char>(~lead.mask);
        for (size_t i = 1; i < lead.size; ++i) {
            if ((byte(i) & 0xc0) != 0x80) return {no_character, 1};
            value = value << 6 | (byte(i) & 0x3fu);
        }
        const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
        if (value < lead.least || value > 0x10ffff || is_surrogate) break;
        return {value, lead.size};
    }
    return {no_character, 1};
}

size_t units_of(const Character& character, Measure measure) {
    switch (measure) {
        case Measure::bytes:
            return character.size;
        case Measure::code_points:
            return 1;
        case Measure::utf16_units:
            break;
    }
    return character.size == 4 ? 2 : 1;
}

struct Range {
    char32_t from, to;
};
// What is drawn onto the character before it.
constexpr Range attached[] = {
    {0x0300, 0x036f},    // accents
    {0x200d, 0x200d},    // joiner: the next character belongs to it as well
    {0x20d0, 0x20ff},    // enclosing marks: keycaps
    {0xfe00, 0xfe0f},    // variation selectors
    {0x1f3fb, 0x1f3ff},  // skin tones
    {0xe0020, 0xe007f},  // tags: flags of regions
};

bool is_attached(char32_t value) {
    for (const Range& range : attached)
        if (value >= range.from && value <= range.to) return true;
    return false;
}

bool is_flag_half(char32_t value) {
    return value >= 0x1f1e6 && value <= 0x1f1ff;
}

}  // namespace

size_t character_size(std::string_view text) {
    return first_character(text).size;
}

size_t cluster_size(std::string_view text) {
    Character last = first_character(text);
    size_t size = last.size;
    bool is_half = is_flag_half(last.value);
    while (size > 0 && size < text.size()) {
        const Character next = first_character(text.substr(size));
        const bool completes_flag = is_half && is_flag_half(next.value);
        const bool is_joined = last.value == 0x200d && next.value > 0x7f;
        if (!completes_flag && !is_joined && !is_attached(next.value)) break;
        if (size + next.size > longest_cluster) break;
        size += next.size;
        is_half = false;
        last = next;
    }
    return size;
}

size_t measured(std::string_view text, Measure measure) {
    if (measure == Measure::bytes) return text.size();
    size_t units = 0;
    while (!text.empty()) {
        const Character character = first_character(text);
        units += units_of(character, measure);
        text.remove_prefix(character.size);
    }
    return units;
}

size_t bytes_within(std::string_view text, size_t most, Measure measure) {
    size_t bytes = 0;
    for (size_t units = 0; bytes < text.size();) {
        const Character character = first_character(text.substr(bytes));
        units += units_of(character, measure);
        if (units > most) break;
        bytes += character.size;
    }
    return bytes;
}
