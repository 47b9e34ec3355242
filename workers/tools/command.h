// One command in its cell: what it has written so far, how it ended.
//
// Keeps the end of an output that is too long, and reads no faster than it may throw away: endless
// output costs a bounded amount of memory and the command its time.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "workers/common/base/loop.h"
#include "workers/tools/cells.h"

namespace tools {

class Command {
  public:
    static constexpr size_t longest_output = 200'000;         // bytes that are kept
    static constexpr size_t most_written = 64u << 20;         // then it is ended
    static constexpr size_t longest_input = 1u << 20;         // waiting to be read by it
    static constexpr std::chrono::milliseconds grace{2'000};  // between asking and ending

    struct End {
        int code = 0;
        bool timed_out = false;
        bool wrote_too_much = false;
        std::string problem;  // not empty: it could not be started
    };

    Command(Loop& loop, Cells& cells) : loop_(loop), cells_(cells) {}
    ~Command();
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    // Both are called from the loop; on_end once, and may destroy the command.
    void on_output(std::function<void(std::string_view text)> handler) {
        on_output_ = std::move(handler);
    }
    void on_end(std::function<void()> handler) { on_end_ = std::move(handler); }

    // It serves rather than comes to an end: there is no bound to what it writes in all, and no
    // time limit.
    void live_on() { lives_on_ = true; }
    Done start(hardshell::proto::StartCell order, std::chrono::milliseconds timeout);
    // To its input; busy when it does not read.
    Done write(std::string_view text);
    void close_input();
    // Asks it to end, and ends it after a while.
    void end();

    bool is_running() const { return started_ && !end_; }
    // Set once it has ended.
    const std::optional<End>& ended() const { return end_; }
    // Valid text, at most `longest_output` bytes; what was before that is only counted.
    const std::string& output();
    // Of which so many bytes, after a look at output().
    size_t dropped() const { return dropped_; }
    size_t total() const { return dropped_ + output_.size(); }

  private:
    bool read_output();
    void flush_input();
    void cell_ended(int code);
    void take(std::string_view bytes);
    void trim();

    Loop& loop_;
    Cells& cells_;
    uint64_t cell_ = 0;
    CellPipes pipes_;
    Loop::Registration output_watch_;
    Loop::Registration input_watch_;
    Loop::Registration deadline_;
    Loop::Registration grace_;
    std::string output_;
    std::string input_;
    size_t dropped_ = 0;
    bool lives_on_ = false;
    bool started_ = false;
    bool timed_out_ = false;
    bool wrote_too_much_ = false;
    bool closes_input_ = false;
    std::optional<End> end_;
    std::function<void(std::string_view)> on_output_;
    std::function<void()> on_end_;
};

}  // namespace tools
