#include "workers/common/channel/block_chunker.h"

#include <algorithm>

#include "workers/common/channel/chunking.h"

namespace {

// A blank line has been written behind it: what comes cannot be the same paragraph.
bool paragraph_has_ended(std::string_view text, size_t place) {
    const size_t visible = text.find_first_not_of(" \t\r", place + 1);
    return visible != text.npos && text[visible] == '\n';
}

// Of a new line the indentation stays; blanks within a line, and blank lines, go.
std::string_view without_blanks_before(std::string_view text) {
    const size_t visible = text.find_first_not_of(blanks);
    if (visible == text.npos) return {};
    if (text.front() != '\n') return text.substr(visible);
    const size_t line = text.substr(0, visible).rfind('\n');
    return text.substr(line == text.npos ? 0 : line + 1);
}

// Bytes of whole blank lines at the start.
size_t blank_lines_before(std::string_view text) {
    const size_t visible = std::min(text.find_first_not_of(blanks), text.size());
    const size_t line = text.substr(0, visible).rfind('\n');
    return line == text.npos ? 0 : line + 1;
}

// Bytes at the end that are the start of a character, and no more of it.
size_t begun_character(std::string_view text) {
    for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xc0) == 0x80) continue;
        const size_t promised = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return promised > back ? back : 0;
    }
    return 0;
}

}  // namespace

Place break_preference(std::string_view name) {
    if (name == "newline") return Place::newline;
    return name == "sentence" ? Place::sentence : Place::paragraph;
}

size_t BlockChunker::place() const {
    const size_t first = pending_.find_first_not_of(blanks);
    if (first == pending_.npos) return pending_.npos;
    const size_t least = bytes_within(pending_, limits_.least, limits_.measure);
    // The last byte may be half of what a place is made of.
    const std::string_view seen = std::string_view(pending_).substr(0, pending_.size() - 1);
    const LastPlaces places = last_places(seen, find_fences(pending_), first, seen.size() - 1);
    size_t best = pending_.npos;
    for (size_t kind = 0; kind <= static_cast<size_t>(limits_.at); ++kind) {
        const size_t at = places[kind];
        if (at == pending_.npos || at < least) continue;
        const bool is_paragraph = kind == static_cast<size_t>(Place::paragraph);
        if (is_paragraph && !paragraph_has_ended(pending_, at)) continue;
        if (best == pending_.npos) best = at;
    }
    return best;
}

std::vector<std::string> BlockChunker::take() {
    // The beginning of a character waits for its rest.
    const size_t whole = pending_.size() - begun_character(pending_);
    const std::string begun = pending_.substr(whole);
    pending_.resize(whole);
    std::vector<std::string> blocks = take_whole();
    pending_ += begun;
    return blocks;
}

std::vector<std::string> BlockChunker::take_whole() {
    std::vector<std::string> blocks;
    while (true) {
        // They are no part of a block, and must not make one look long.
        if (const size_t line = blank_lines_before(pending_); line > 0) pending_.erase(0, line);
        const size_t size = measured(pending_, limits_.measure);
        if (size > limits_.most) {
            FirstPiece first =
                first_piece(pending_, {limits_.most, 0, ChunkMode::length, limits_.measure});
            if (!first.piece.empty()) blocks.push_back(std::move(first.piece));
            pending_ = std::move(first.rest);
            continue;
        }
        const size_t at = size < limits_.least || pending_.size() < 3 ? pending_.npos : place();
        if (at == pending_.npos) return blocks;
        blocks.emplace_back(without_blanks_after(std::string_view(pending_).substr(0, at)));
        pending_ = without_blanks_before(std::string_view(pending_).substr(at));
    }
}

std::vector<std::string> BlockChunker::finish() {
    std::vector<std::string> blocks = take_whole();
    for (std::string& piece :
         chunk_text(pending_, {limits_.most, 0, ChunkMode::length, limits_.measure}))
        blocks.push_back(std::move(piece));
    pending_.clear();
    return blocks;
}
