#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

struct Character {
    size_t bytes;
    size_t units;
};

Character first_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const size_t bytes = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (bytes > text.size() || first > 0xf4) return {1, 1};
    for (size_t i = 1; i < bytes; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return {1, 1};
    return {bytes, bytes == 4 ? 2u : 1u};
}

}  // namespace

size_t byte_of_unit(std::string_view text, size_t unit) {
    size_t at = 0;
    size_t units = 0;
    while (at < text.size()) {
        const Character character = first_character(text.substr(at));
        if (units + character.units > unit) return at;
        units += character.units;
        at += character.bytes;
    }
    return text.size();
}

size_t units_of(std::string_view text) {
    size_t units = 0;
    while (!text.empty()) {
        const Character character = first_character(text);
        units += character.units;
        text.remove_prefix(character.bytes);
    }
    return units;
}

std::string lower_ascii(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

std::string_view without_blanks_around(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const size_t first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace telegram
