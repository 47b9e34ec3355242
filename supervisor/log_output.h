// Writes whole lines to one descriptor and never waits for it.
//
// What the descriptor does not take waits in a bounded backlog; what has no room there is dropped
// and counted. A descriptor that nobody reads any more gives way to the next of the fallbacks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

namespace supervisor {

class LogOutput {
  public:
    static constexpr size_t longest_backlog = 4u << 20;  // bytes

    // Does not own the descriptor. The fallbacks are paths, opened when they are needed.
    LogOutput(Loop& loop, int descriptor, std::vector<std::string> fallbacks);

    // Queues one line, given in parts, the line break included. False when it was dropped, which
    // counts as `lines` dropped lines.
    bool append(std::initializer_list<std::string_view> parts, uint64_t lines = 1);
    void write_some();
    // The same, unless the descriptor is full: then the loop says when it has room.
    void write_unless_full() {
        if (!retry_) write_some();
    }
    // Writes what waits, for at most that long.
    void flush(std::chrono::milliseconds longest);

    size_t waiting() const { return end_ - begin_; }
    // False while lines are dropped: from a full backlog to one that is half empty again.
    bool accepts() const { return !is_closed_ && (!overrun_ || waiting() <= longest_backlog / 2); }
    // When it last took something, on the monotonic clock.
    int64_t taken_ms() const { return taken_ms_; }
    bool is_closed() const { return is_closed_; }
    uint64_t dropped() const { return dropped_; }
    // Called when all that waited has been written or given up, from within write_some().
    void on_drained(std::function<void()> handler) { on_drained_ = std::move(handler); }

  private:
    bool make_room(size_t size);
    ssize_t write_once();
    void give_up_descriptor();
    void forget_all();
    void watch_for_room();

    Loop& loop_;
    Fd own_output_;
    int output_;
    std::vector<std::string> fallbacks_;  // the next one last
    bool is_closed_ = false;
    std::unique_ptr<char[]> backlog_;
    size_t begin_ = 0;
    size_t end_ = 0;
    size_t furthest_ = 0;  // how much of the backlog's memory has been used
    bool in_mid_line_ = false;
    int64_t taken_ms_ = 0;
    bool overrun_ = false;
    uint64_t dropped_ = 0;
    std::function<void()> on_drained_;
    int watched_ = -1;
    Loop::Registration watch_;
    Loop::Registration retry_;
};

}  // namespace supervisor
