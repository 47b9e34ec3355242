// The places in a text where a reader would pause, best first. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "workers/common/channel/fences.h"

enum class Place { paragraph, newline, sentence, space };
inline constexpr size_t place_kinds = 4;

inline constexpr std::string_view blanks = " \t\r\n";

inline std::string_view without_blanks_after(std::string_view text) {
    const size_t last = text.find_last_not_of(blanks);
    return last == text.npos ? std::string_view{} : text.substr(0, last + 1);
}

// The fence that a break at `at` would divide, or null.
const Fence* fence_at(const std::vector<Fence>& fences, size_t at);

// The last place of each kind in (after, until], outside fences; npos where there is none. A break
// "at" a place ends the piece before that byte; `after` is where the piece's first letter stands.
using LastPlaces = std::array<size_t, place_kinds>;
LastPlaces last_places(std::string_view text, const std::vector<Fence>& fences, size_t after,
                       size_t until);
