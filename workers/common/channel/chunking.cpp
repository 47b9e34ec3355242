#include "workers/common/channel/chunking.h"

#include <algorithm>

#include "workers/common/channel/break_places.h"
#include "workers/common/channel/fences.h"

namespace {

// What a piece may still take.
struct Budget {
    size_t characters = 0;
    size_t lines = 0;  // 0: any number
};

class Chunker {
  public:
    Chunker(std::string_view text, const ChunkLimits& limits);

    bool is_done() const { return pos_ >= text_.size(); }
    std::string next_piece();
    // What is left, with the fence it starts in.
    std::string rest() const { return prefix() + std::string(text_.substr(pos_)); }

  private:
    // A fence is kept whole only if opening and closing it leaves room for what is in it.
    bool is_kept(const Fence& fence) const;
    std::string prefix() const { return open_ ? std::string(open_->opening) + "\n" : ""; }
    // The end of what fits from pos_ on; at least one character.
    size_t end_within(const Budget& budget) const;
    std::string_view next_cluster(size_t at) const;
    void skip_blanks();
    std::string last_piece();
    std::string end_at(size_t at);
    std::string end_outside(size_t full);
    std::string end_inside(const Fence& fence, const Budget& budget);
    Budget without(const Budget& budget, std::string_view added) const;

    std::string_view text_;
    ChunkLimits limits_;
    std::vector<Fence> fences_;
    size_t pos_ = 0;
    const Fence* open_ = nullptr;  // divided: to be opened again by the next piece
};

Chunker::Chunker(std::string_view text, const ChunkLimits& limits) : text_(text), limits_(limits) {
    limits_.characters = std::max<size_t>(limits_.characters, 1);
    fences_ = find_fences(text);
    std::erase_if(fences_, [this](const Fence& fence) { return !is_kept(fence); });
    skip_blanks();
}

bool Chunker::is_kept(const Fence& fence) const {
    const size_t most = limits_.characters / 4;
    return (limits_.lines == 0 || limits_.lines >= 4) &&
           measured(fence.opening, limits_.measure) < most &&
           measured(fence.closing, limits_.measure) < most;
}

size_t Chunker::end_within(const Budget& budget) const {
    size_t end = pos_;
    size_t used = 0;
    for (size_t lines = 1; end < text_.size();) {
        if (text_[end] == '\n' && budget.lines != 0 && ++lines > budget.lines) break;
        const std::string_view cluster = next_cluster(end);
        used += measured(cluster, limits_.measure);
        if (used > budget.characters) break;
        end += cluster.size();
    }
    return std::max(end, pos_ + character_size(text_.substr(pos_)));
}

// What is shown as one character, unless it is large for the limit.
std::string_view Chunker::next_cluster(size_t at) const {
    const std::string_view cluster = text_.substr(at, cluster_size(text_.substr(at)));
    if (measured(cluster, limits_.measure) <= limits_.characters / 4) return cluster;
    return cluster.substr(0, character_size(cluster));
}

// To the next visible character; what indents its line stays.
void Chunker::skip_blanks() {
    const size_t visible = text_.find_first_not_of(blanks, pos_);
    if (visible == text_.npos) {
        pos_ = text_.size();
        return;
    }
    const size_t line = text_.substr(pos_, visible - pos_).rfind('\n');
    const size_t start = line == text_.npos ? pos_ : pos_ + line + 1;
    const bool is_indentation = start == 0 || text_[start - 1] == '\n';
    const bool leaves_room = visible - start < limits_.characters / 4;
    pos_ = is_indentation && leaves_room ? start : visible;
}

Budget Chunker::without(const Budget& budget, std::string_view added) const {
    const size_t taken = std::min(measured(added, limits_.measure), budget.characters);
    const auto lines = static_cast<size_t>(std::count(added.begin(), added.end(), '\n'));
    return {budget.characters - taken, budget.lines > lines ? budget.lines - lines : 0};
}

std::string Chunker::next_piece() {
    const Budget budget = without({limits_.characters, limits_.lines}, prefix());
    const size_t full = end_within(budget);
    if (full >= text_.size()) return last_piece();
    const Fence* fence = fence_at(fences_, full);
    if (!fence) return end_outside(full);
    // A fence that begins late goes to the next piece as a whole.
    const bool begins_late = fence->begin > pos_ && fence->begin - pos_ >= (full - pos_) / 2;
    return begins_late ? end_at(fence->begin) : end_inside(*fence, budget);
}

std::string Chunker::last_piece() {
    std::string piece = prefix() + std::string(text_.substr(pos_));
    pos_ = text_.size();
    open_ = nullptr;
    return std::string(without_blanks_after(piece));
}

std::string Chunker::end_at(size_t at) {
    std::string piece = prefix() + std::string(text_.substr(pos_, at - pos_));
    pos_ = at;
    open_ = nullptr;
    skip_blanks();
    return std::string(without_blanks_after(piece));
}

std::string Chunker::end_outside(size_t full) {
    // Of a fence opened again, only what follows it is looked at.
    const size_t from = open_ ? std::max(pos_, open_->after) : pos_;
    const size_t first = text_.find_first_not_of(blanks, from);
    if (first >= full) return end_at(full);
    const LastPlaces places = last_places(text_, fences_, first, full);
    const size_t half = pos_ + (full - pos_) / 2;
    for (const size_t place : places)
        if (place != text_.npos && place >= half) return end_at(place);
    for (const size_t place : places)
        if (place != text_.npos) return end_at(place);
    return end_at(full);
}

std::string Chunker::end_inside(const Fence& fence, const Budget& budget) {
    const std::string closing = "\n" + std::string(fence.closing);
    const size_t full = end_within(without(budget, closing));
    const size_t body = std::max(pos_, fence.body);
    if (full <= body && fence.begin > pos_) return end_at(fence.begin);

    const size_t most = std::min(full, fence.end);
    const size_t last = std::min(full + 1, fence.end);  // a newline may be the first left out
    size_t line = last > body ? text_.substr(body, last - body).rfind('\n') : text_.npos;
    if (line == 0) line = text_.npos;  // an empty line is no piece
    const size_t end = line == text_.npos ? most : body + line;
    std::string piece = prefix() + std::string(text_.substr(pos_, end - pos_)) + closing;
    pos_ = line == text_.npos ? end : end + 1;
    open_ = &fence;
    if (fence.is_closed && pos_ >= fence.end) {  // what is left of it is closed already
        pos_ = fence.after;
        open_ = nullptr;
        skip_blanks();
    }
    return piece;
}

// At blank lines outside fences.
std::vector<std::string_view> paragraphs(std::string_view text) {
    const std::vector<Fence> fences = find_fences(text);
    std::vector<std::string_view> found;
    size_t start = 0;
    for (size_t line = text.find('\n'); line != text.npos; line = text.find('\n', line + 1)) {
        const size_t next = std::min(text.find_first_not_of(" \t\r", line + 1), text.size());
        if (next < text.size() && text[next] != '\n') continue;
        if (fence_at(fences, line)) continue;
        found.push_back(text.substr(start, line - start));
        start = line + 1;
    }
    found.push_back(text.substr(start));
    return found;
}

void append_pieces(std::vector<std::string>& pieces, std::string_view text,
                   const ChunkLimits& limits) {
    for (Chunker chunker(text, limits); !chunker.is_done();) pieces.push_back(chunker.next_piece());
}

bool fits(std::string_view text, const ChunkLimits& limits) {
    const auto breaks = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
    return (limits.lines == 0 || breaks < limits.lines) &&
           measured(text, limits.measure) <= limits.characters;
}

}  // namespace

ChunkMode chunk_mode(std::string_view name) {
    return name == "newline" ? ChunkMode::newline : ChunkMode::length;
}

FirstPiece first_piece(std::string_view text, const ChunkLimits& limits) {
    Chunker chunker(text, limits);
    if (chunker.is_done()) return {};
    FirstPiece first{chunker.next_piece(), ""};
    if (!chunker.is_done()) first.rest = chunker.rest();
    return first;
}

std::vector<std::string> chunk_text(std::string_view text, const ChunkLimits& limits) {
    std::vector<std::string> pieces;
    if (text.find_first_not_of(blanks) == text.npos) return pieces;
    if (limits.mode == ChunkMode::newline) {
        for (const std::string_view paragraph : paragraphs(text))
            append_pieces(pieces, paragraph, limits);
    } else if (fits(text, limits)) {
        pieces.emplace_back(text);
    } else {
        append_pieces(pieces, text, limits);
    }
    return pieces;
}
