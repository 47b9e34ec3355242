// Cuts what comes out of one pipe into lines with their secrets masked.
//
// Promises: no byte is lost; a line longer than `longest_line` comes in pieces; no piece holds a
// part of a secret, wherever the writes or the pieces were cut; memory is bounded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/secret_mask.h"

namespace supervisor {

struct LinePiece {
    std::string_view text;  // without its line break
    bool begins = true;     // with it the line begins
    bool ends = true;       // with it the line ends
    bool cut_off = false;   // the pipe ended before the line did

    bool is_whole_line() const { return begins && ends && !cut_off; }
};

class LineSplitter {
  public:
    static constexpr size_t longest_line = 8192;  // bytes
    using Taker = std::function<void(const LinePiece&)>;

    // The mask may change between two calls; it outlives the splitter.
    explicit LineSplitter(const SecretMask& mask) : mask_(mask) {}

    void take(std::string_view bytes, const Taker& taker);
    // Nothing more will come: what is left is a line that was cut off.
    void finish(const Taker& taker);

  private:
    size_t room() const;
    void take_whole_lines(std::string_view bytes, const Taker& taker);
    void cut_piece(const Taker& taker);
    void end_line(bool cut_off, const Taker& taker);
    void hide_cut_off_secret();
    void hand_over(std::string_view masked, bool cut_off, const Taker& taker);

    const SecretMask& mask_;
    // The line that has not ended yet, and in front of it `shown_` bytes of it that were handed
    // over: a secret that began in them is still recognised.
    std::string rest_;
    size_t shown_ = 0;
    bool continued_ = false;
    std::string masked_;
    std::vector<SecretMask::Span> spans_;
};

}  // namespace supervisor
