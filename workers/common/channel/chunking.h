// Divides a Markdown text into pieces that a platform takes. Pure: the same text and limits give
// the same pieces each time, so a delivery that was half done goes on where it stopped.
//
//   - no piece is longer than the limits say, and none is blank
//   - a piece ends between paragraphs, else lines, sentences, words, else between two characters,
//     the better place being taken while it leaves the piece at least half full
//   - a code fence that has to be divided is closed at the end of the piece and opened again, with
//     its language, in the next
//   - nothing but blanks at a break is lost
//
// An opening line of a fence that takes a quarter of the limit is no fence to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/channel/measure.h"

enum class ChunkMode {
    length,   // as few pieces as the limits allow
    newline,  // one for each paragraph (at blank lines outside fences), divided if too long
};
// "newline" is newline, all else length: `chunkMode` of openclaw.json.
ChunkMode chunk_mode(std::string_view name);

struct ChunkLimits {
    size_t characters = 4000;  // at least 1
    size_t lines = 0;          // 0: any number
    ChunkMode mode = ChunkMode::length;
    Measure measure = Measure::utf16_units;
};

// No piece at all for a text of nothing but blanks. A text that fits is returned as it is.
std::vector<std::string> chunk_text(std::string_view text, const ChunkLimits& limits);

// The first piece by length, and what follows it: with the fence opened that the break divided.
struct FirstPiece {
    std::string piece;
    std::string rest;  // empty: that was all
};
FirstPiece first_piece(std::string_view text, const ChunkLimits& limits);
