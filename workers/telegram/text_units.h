// Telegram counts text in UTF-16 units; ours is UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace telegram {

// The byte at which that unit begins; the size of the text where it has fewer. A unit inside a
// character is the character's beginning.
size_t byte_of_unit(std::string_view text, size_t unit);
// How many units the text has; a byte that is no UTF-8 counts one.
size_t units_of(std::string_view text);

std::string lower_ascii(std::string_view text);
std::string_view without_blanks_around(std::string_view text);

}  // namespace telegram
