// How much one worker may say: a line said again is counted in place of being written, and beyond
// so many lines per second the rest is counted, too.
//
// Decides and counts, nothing else; time is an argument. Every line is accounted for: written, in
// take_repeats() or in take_suppressed().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace supervisor {

// A token bucket, exact in thousandths of a line.
class LineBudget {
  public:
    static constexpr uint32_t usual = 1'000;  // lines per second that may go on for ever
    static constexpr uint32_t burst = 20;     // seconds' worth of them that may come at once
    static constexpr uint32_t unlimited = UINT32_MAX;

    // 0 stands for the usual.
    void set(uint32_t lines_per_second);
    uint32_t lines_per_second() const { return rate_; }
    bool take(int64_t now_ms);

  private:
    uint32_t rate_ = usual;
    int64_t thousandths_ = int64_t{usual} * burst * 1'000;
    int64_t filled_ms_ = 0;
};

class LogLimit {
  public:
    static constexpr int64_t longest_silence_ms = 5'000;  // then what was counted is said
    static constexpr int64_t let_up_ms = 1'000;           // without a suppressed line

    void set(uint32_t lines_per_second) { budget_.set(lines_per_second); }
    uint32_t lines_per_second() const { return budget_.lines_per_second(); }

    // True when the text is that of the line before; it is counted then.
    bool repeats(std::string_view text, int64_t now_ms);
    // The line that the next one is compared with; null when it cannot be repeated.
    void remember(const std::string_view* text);
    // True when a line may be written; otherwise it counts as suppressed.
    bool admits(int64_t now_ms);
    void suppress(uint64_t lines, int64_t now_ms);

    // Counted and not yet told; taking it starts the count again.
    uint64_t take_repeats();
    uint64_t take_suppressed(int64_t now_ms);
    bool repeats_are_due(int64_t now_ms) const;
    bool suppressed_are_due(int64_t now_ms) const;
    bool is_settled() const { return repeats_ == 0 && untold_ == 0; }
    uint64_t suppressed() const { return suppressed_; }

  private:
    LineBudget budget_;
    std::string last_;
    bool has_last_ = false;
    uint64_t repeats_ = 0;
    int64_t repeating_since_ms_ = 0;
    uint64_t suppressed_ = 0;  // ever
    uint64_t untold_ = 0;
    int64_t told_ms_ = 0;  // or since when there is something to tell
    int64_t last_suppressed_ms_ = 0;
};

}  // namespace supervisor
