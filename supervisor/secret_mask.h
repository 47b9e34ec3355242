// Finds known secret values in what workers write: as they are kept, and as JSON writes them.
//
// A value of several lines is looked for line by line, since a log is cut into lines. What is too
// short to be told from an ordinary word is left alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace supervisor {

class SecretMask {
  public:
    static constexpr size_t shortest = 6;    // bytes
    static constexpr size_t longest = 4096;  // bytes; a longer value is looked for in pieces

    struct Span {
        size_t begin = 0;
        size_t end = 0;
    };

    SecretMask() = default;
    explicit SecretMask(const std::vector<std::string>& secrets);

    bool is_empty() const { return needles_.empty(); }
    // The size of the longest that is looked for: whoever searches a stream in parts lets them
    // overlap by one byte less.
    size_t reach() const { return needles_.empty() ? 1 : needles_.front().size(); }
    // Every byte that belongs to a secret, in order; secrets that overlap are one span.
    void find(std::string_view text, std::vector<Span>& spans) const;
    // How many bytes at the end of `text` are the beginning of a secret that was cut off.
    size_t cut_off(std::string_view text) const;

  private:
    void look_for(std::string_view value);
    void prepare_skips();
    size_t longest_at(std::string_view text) const;

    std::vector<std::string> needles_;  // longest first
    // Wu and Manber: the last two bytes of a window of `window_` bytes say how far the next place
    // is where a needle can begin. One pass for all needles, which looks at few of the bytes.
    size_t window_ = 0;
    std::array<uint8_t, 4096> skips_{};
};

// Appends text[from, to) with *** for each part of it that lies in a span.
void append_masked(std::string& out, std::string_view text,
                   const std::vector<SecretMask::Span>& spans, size_t from, size_t to);

}  // namespace supervisor
