#include "workers/gateway/turn_stream.h"

#include <utility>

#include "workers/common/base/text.h"
#include "workers/gateway/frames.h"

namespace gateway {

namespace {

constexpr std::string_view paragraph = "\n\n";

}  // namespace

void TextProgress::whole_is(std::string_view whole) {
    const std::string_view had =
        taken_.size() > base_ ? std::string_view(taken_).substr(base_) : std::string_view();
    // A paragraph's break that is still to come stays in front.
    const size_t left = base_ > taken_.size() ? base_ - taken_.size() : 0;
    if (whole.starts_with(had)) {
        next_.resize(left);
        next_ += whole.substr(had.size());
        return;
    }
    base_ = taken_.size() + paragraph.size();
    next_ = paragraph;
    next_ += whole;
}

std::string TextProgress::take(size_t at_most) {
    std::string piece = cut_text(next_, at_most);
    // What is no UTF-8 must not stop the rest.
    if (piece.empty() && !next_.empty()) piece = next_.substr(0, at_most);
    next_.erase(0, piece.size());
    taken_ += piece;
    return piece;
}

std::string sse_event(std::string_view data, std::string_view name) {
    std::string text;
    if (!name.empty()) text.append("event: ").append(name).append("\n");
    return text.append("data: ").append(data).append("\n\n");
}

void TurnStream::ended(const TurnEnd& end) {
    end_ = end;
    if (!end.has_answer()) return;
    // The events have it already, but for blanks at its ends.
    TextProgress all = progress_;
    while (!all.take(SIZE_MAX).empty()) {
    }
    const std::string_view text = trimmed(end.text);
    if (!text.empty() && trimmed(all.taken()) != text) progress_.whole_is(end.text);
}

std::string TurnStream::next() {
    if (stage_ == Stage::over) return {};
    if (stage_ == Stage::opening) {
        stage_ = Stage::text;
        return format_.opening();
    }
    if (const std::string text = progress_.take(piece_bytes); !text.empty())
        return format_.piece(text);
    if (end_) {
        stage_ = Stage::over;
        return format_.closing(*end_, progress_.taken());
    }
    if (!std::exchange(wants_comment_, false)) return {};
    return ": still working\n\n";
}

}  // namespace gateway
