// What must be true of any text divided into pieces, for tests with random texts and for fuzzing.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/channel/chunking.h"
#include "workers/common/channel/fences.h"

namespace test {

inline std::string without(std::string_view text, std::string_view dropped) {
    std::string rest;
    std::copy_if(text.begin(), text.end(), std::back_inserter(rest),
                 [&](char c) { return dropped.find(c) == dropped.npos; });
    return rest;
}

inline std::string joined(const std::vector<std::string>& pieces) {
    std::string all;
    for (const std::string& piece : pieces) all += piece + "\n";
    return all;
}

inline bool is_subsequence(std::string_view part, std::string_view whole) {
    size_t found = 0;
    for (const char c : whole)
        if (found < part.size() && part[found] == c) ++found;
    return found == part.size();
}

// No byte of it is a lone part of a character.
inline bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const size_t size = character_size(text);
        if (size == 1 && static_cast<unsigned char>(text[0]) > 0x7f) return false;
        text.remove_prefix(size);
    }
    return true;
}

// Markers stand nowhere but in the fences, and opening lines are short for the limit.
inline bool has_plain_fences(std::string_view text, const ChunkLimits& limits) {
    if (limits.lines != 0 && limits.lines < 4) return false;
    std::string others(text);
    for (const Fence& fence : find_fences(text)) {
        if (measured(fence.opening, limits.measure) >= limits.characters / 4) return false;
        std::fill_n(others.begin() + static_cast<std::ptrdiff_t>(fence.begin),
                    fence.body - fence.begin, ' ');
        std::fill_n(others.begin() + static_cast<std::ptrdiff_t>(fence.end),
                    fence.after - fence.end, ' ');
    }
    return others.find_first_of("`~") == others.npos;
}

inline std::string broken_rule_of_piece(const std::string& piece, const ChunkLimits& limits) {
    if (piece.find_first_not_of(" \t\r\n") == piece.npos) return "a blank piece";
    const auto lines = std::count(piece.begin(), piece.end(), '\n') + 1;
    if (limits.lines != 0 && static_cast<size_t>(lines) > limits.lines) return "too many lines";
    const bool is_one_character = character_size(piece) == piece.size();
    if (measured(piece, limits.measure) > limits.characters && !is_one_character)
        return "too many characters";
    return "";
}

// What is wrong with the pieces; empty: nothing.
inline std::string broken_rule(std::string_view text, const ChunkLimits& limits,
                               const std::vector<std::string>& pieces) {
    for (const std::string& piece : pieces)
        if (std::string rule = broken_rule_of_piece(piece, limits); !rule.empty())
            return rule + ": " + piece;
    const std::string all = joined(pieces);
    if (is_utf8(text) && !is_utf8(all)) return "a character is cut in two";
    const std::string marks = " \t\r\n`~";
    if (!is_subsequence(without(text, marks), without(all, marks))) return "text is lost";
    const bool has_marks = text.find_first_of("`~") != text.npos;
    if (!has_marks && without(text, marks) != without(all, marks)) return "text is added";
    if (!has_plain_fences(text, limits)) return "";
    for (size_t i = 0; i + 1 < pieces.size(); ++i)
        for (const Fence& fence : find_fences(pieces[i]))
            if (!fence.is_closed) return "a fence stays open: " + pieces[i];
    return "";
}

}  // namespace test
