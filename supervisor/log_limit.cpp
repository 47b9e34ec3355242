#include "supervisor/log_limit.h"

#include <algorithm>
#include <utility>

namespace supervisor {

void LineBudget::set(uint32_t lines_per_second) {
    const uint32_t rate = lines_per_second == 0 ? usual : lines_per_second;
    if (rate == rate_) return;
    rate_ = rate;
    thousandths_ = int64_t{rate} * burst * 1'000;
}

bool LineBudget::take(int64_t now_ms) {
    if (rate_ == unlimited) return true;
    if (now_ms > filled_ms_) {
        // Longer than it takes to fill the bucket makes no difference, and cannot overflow.
        const int64_t passed = std::min<int64_t>(now_ms - filled_ms_, burst * 1'000);
        thousandths_ = std::min(thousandths_ + passed * rate_, int64_t{rate_} * burst * 1'000);
        filled_ms_ = now_ms;
    }
    if (thousandths_ < 1'000) return false;
    thousandths_ -= 1'000;
    return true;
}

bool LogLimit::repeats(std::string_view text, int64_t now_ms) {
    if (!has_last_ || text != last_) return false;
    if (repeats_++ == 0) repeating_since_ms_ = now_ms;
    return true;
}

void LogLimit::remember(const std::string_view* text) {
    has_last_ = text != nullptr;
    if (text) last_.assign(*text);
}

bool LogLimit::admits(int64_t now_ms) {
    if (budget_.take(now_ms)) return true;
    suppress(1, now_ms);
    return false;
}

void LogLimit::suppress(uint64_t lines, int64_t now_ms) {
    if (untold_ == 0) told_ms_ = now_ms;
    suppressed_ += lines;
    untold_ += lines;
    last_suppressed_ms_ = now_ms;
}

uint64_t LogLimit::take_repeats() {
    return std::exchange(repeats_, 0);
}

uint64_t LogLimit::take_suppressed(int64_t now_ms) {
    told_ms_ = now_ms;
    return std::exchange(untold_, 0);
}

bool LogLimit::repeats_are_due(int64_t now_ms) const {
    return repeats_ > 0 && now_ms - repeating_since_ms_ >= longest_silence_ms;
}

bool LogLimit::suppressed_are_due(int64_t now_ms) const {
    if (untold_ == 0) return false;
    return now_ms - last_suppressed_ms_ >= let_up_ms || now_ms - told_ms_ >= longest_silence_ms;
}

}  // namespace supervisor
