#include "supervisor/log_lines.h"

#include <algorithm>

#include "supervisor/log_text.h"

namespace supervisor {

// A piece is cut once so many bytes follow it that every secret which begins in it is whole.
size_t LineSplitter::room() const {
    const size_t enough = shown_ + longest_line + mask_.reach() + 1;
    return enough > rest_.size() ? enough - rest_.size() : 0;
}

void LineSplitter::take(std::string_view bytes, const Taker& taker) {
    while (!bytes.empty()) {
        if (rest_.empty()) {
            const size_t end = bytes.rfind('\n');
            const size_t whole = end == std::string_view::npos ? 0 : end + 1;
            take_whole_lines(bytes.substr(0, whole), taker);
            bytes.remove_prefix(whole);
        }
        if (room() == 0) cut_piece(taker);
        const std::string_view part = bytes.substr(0, std::max<size_t>(room(), 1));
        const size_t end = part.find('\n');
        rest_ += part.substr(0, end);
        bytes.remove_prefix(std::min(end, part.size()));
        if (end == std::string_view::npos) continue;
        bytes.remove_prefix(1);
        end_line(false, taker);
    }
    while (room() == 0) cut_piece(taker);
}

void LineSplitter::finish(const Taker& taker) {
    if (rest_.size() > shown_) end_line(true, taker);
}

void LineSplitter::take_whole_lines(std::string_view bytes, const Taker& taker) {
    mask_.find(bytes, spans_);
    if (!spans_.empty()) {
        masked_.clear();
        append_masked(masked_, bytes, spans_, 0, bytes.size());
        bytes = masked_;
    }
    while (!bytes.empty()) {
        const size_t end = bytes.find('\n');
        const bool has_return = end > 0 && bytes[end - 1] == '\r';
        hand_over(bytes.substr(0, has_return ? end - 1 : end), false, taker);
        bytes.remove_prefix(end + 1);
    }
}

void LineSplitter::cut_piece(const Taker& taker) {
    mask_.find(rest_, spans_);
    const size_t size = whole_characters(std::string_view(rest_).substr(shown_), longest_line);
    const size_t end = shown_ + size;
    masked_.clear();
    append_masked(masked_, rest_, spans_, shown_, end);
    taker({masked_, !continued_, false, false});
    continued_ = true;
    const size_t kept = std::min(end, mask_.reach() - 1);
    rest_.erase(0, end - kept);
    shown_ = kept;
}

void LineSplitter::end_line(bool cut_off, const Taker& taker) {
    if (!cut_off && rest_.ends_with('\r')) rest_.pop_back();
    mask_.find(rest_, spans_);
    if (cut_off) hide_cut_off_secret();
    masked_.clear();
    append_masked(masked_, rest_, spans_, shown_, rest_.size());
    hand_over(masked_, cut_off, taker);
    continued_ = false;
    rest_.clear();
    shown_ = 0;
}

void LineSplitter::hide_cut_off_secret() {
    const size_t size = mask_.cut_off(rest_);
    if (size == 0) return;
    size_t begin = rest_.size() - size;
    for (; !spans_.empty() && spans_.back().end > begin; spans_.pop_back())
        begin = std::min(begin, spans_.back().begin);
    spans_.push_back({begin, rest_.size()});
}

// A line of which nothing waits in rest_ any more, in as many pieces as it takes.
void LineSplitter::hand_over(std::string_view masked, bool cut_off, const Taker& taker) {
    bool begins = !continued_;
    while (masked.size() > longest_line) {
        const size_t size = whole_characters(masked, longest_line);
        taker({masked.substr(0, size), begins, false, false});
        masked.remove_prefix(size);
        begins = false;
    }
    taker({masked, begins, true, cut_off});
}

}  // namespace supervisor
