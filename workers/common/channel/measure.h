// How long a text is to a platform, and where a piece of it may end. UTF-8 in; a byte that is no
// UTF-8 counts as one character and is left as it is.
#pragma once

#include <cstddef>
#include <string_view>

enum class Measure {
    utf16_units,  // Telegram, Discord: what lies beyond U+FFFF counts two
    code_points,
    bytes,
};

// Bytes of the first character; 0 only for an empty text.
size_t character_size(std::string_view text);
// The first character and what is shown as one with it: accents, variation selectors, skin tones,
// the rest of a flag or of a joined emoji. At most `longest_cluster` bytes.
size_t cluster_size(std::string_view text);
inline constexpr size_t longest_cluster = 64;

size_t measured(std::string_view text, Measure measure);
// The largest number of bytes that measure at most `most` and cut no character in two.
size_t bytes_within(std::string_view text, size_t most, Measure measure);
