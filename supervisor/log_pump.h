// The log: whole lines of every worker to one stdout, stamped with time and worker name.
//
// Promises: a line is written whole or not at all; known secrets are masked; control bytes are
// escaped; a stdout that is not read blocks nobody (lines are dropped and counted); a worker that
// floods or repeats itself costs the others nothing, and every line of it is counted; what a dying
// worker wrote is not lost, and its unfinished last line is ended, never glued to the next life.
//
// A stdout that is read, but slowly, holds workers up for moments rather than lose their lines.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/log_lines.h"
#include "supervisor/log_output.h"
#include "supervisor/secret_mask.h"
#include "workers/common/base/clock.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

namespace supervisor {

struct LogRecord {
    uint64_t sequence = 0;
    int64_t time_ms = 0;
    std::string text;
};

enum class LogFormat {
    text,  // 2026-01-30T10:00:00.000Z [agent] warn: what happened
    json,  // {"time":"2026-…","worker":"agent","level":"warn","text":"what happened"}
};

class LogPump {
  public:
    using Listener = std::function<void(const std::string& worker, const LogRecord&)>;
    static constexpr size_t longest_line = LineSplitter::longest_line;
    static constexpr size_t ring_size = 256u << 10;  // bytes of lines kept per worker
    static constexpr size_t longest_backlog = LogOutput::longest_backlog;

    // Writes to that descriptor, which it does not own, and to the first of the fallbacks that can
    // be opened once nobody reads it any more. Limits go by `monotonic`.
    LogPump(Loop& loop, int output, std::vector<std::string> fallbacks = {},
            int64_t (*monotonic)() = monotonic_ms);
    ~LogPump();

    // A line of the supervisor's own; `severity` is "" (info), "warn" or "error".
    void say(std::string_view severity, std::string_view text);
    // Follows the read end of a worker's pipe until it ends; one per life and stream.
    void follow(const std::string& worker, Fd pipe);
    // The worker has died: takes what is still in its pipes and closes them.
    void finish(const std::string& worker);
    // Replaces the values to be masked; those shorter than 6 bytes are left alone.
    void mask(const std::vector<std::string>& secrets);
    std::string masked(std::string_view text) const;
    void format(LogFormat format) { format_ = format; }
    // How many lines per second a worker may write for long; 0: the usual, UINT32_MAX: any.
    void limit(uint32_t lines_per_second);

    // The last lines of a worker ("" for all), oldest first, with a sequence above `after`: also
    // those that were suppressed or dropped.
    std::vector<std::pair<std::string, LogRecord>> recent(const std::string& worker, uint64_t after,
                                                          size_t most) const;
    // Whether a line of that worker ("" for any) with a sequence above `after` is no longer in its
    // ring.
    bool has_forgotten(const std::string& worker, uint64_t after) const;
    uint64_t newest() const { return next_sequence_ - 1; }
    // When it began to count its lines.
    int64_t began_ms() const { return began_ms_; }
    // Called for each line from now on, until the registration goes.
    Loop::Registration listen(Listener listener);

    // Writes what waits, for at most that long.
    void flush(std::chrono::milliseconds longest);
    // Says what has been held back for long enough. Called every second while there is something.
    void settle();
    // Lines that nobody read: stdout was full or closed.
    uint64_t dropped() const { return output_.dropped(); }
    // Lines of a worker that were not written because there were too many, in all its lives.
    uint64_t suppressed(const std::string& worker) const;

  private:
    struct Speaker;
    struct Source;
    // One line with what stands around it: the marks of a line that comes in pieces.
    struct Text {
        std::string_view before;
        std::string_view text;
        std::string_view after;
        std::string joined() const;
    };

    Speaker& speaker(const std::string& name);
    void read_clocks();
    bool read(Source& source);
    void on_readable(Source& source);
    void take(Speaker& from, const LinePiece& piece);
    void tell_repeats(Speaker& from);
    void tell_suppressed(Speaker& from);
    void tell_dropped();
    void tell_closed(Source& source);
    bool is_settled() const;
    bool pass_on(Speaker& from, const Text& text, uint64_t stands_for);
    void publish(Speaker& from, const Text& text, uint64_t stands_for);
    bool write(const Speaker& from, const Text& text, uint64_t stands_for);
    std::string json_line(const Speaker& from, const Text& text);
    void tell_listeners(const std::string& worker, const LogRecord& record);
    std::string_view stamp();
    void hold_up_workers();
    void let_workers_go_on();
    void settle_later();

    Loop& loop_;
    LogOutput output_;
    int64_t (*monotonic_)();
    LogFormat format_ = LogFormat::text;
    uint32_t lines_per_second_ = 0;
    SecretMask mask_;
    std::map<std::string, std::unique_ptr<Speaker>> speakers_;
    std::vector<std::unique_ptr<Source>> sources_;
    uint64_t next_sequence_ = 1;
    int64_t began_ms_ = ::wall_ms();
    int64_t now_ms_ = 0;  // monotonic, of what is being read
    int64_t wall_ms_ = 0;
    int64_t stamped_ms_ = -1;
    std::string stamp_;  // of stamped_ms_
    uint64_t told_drops_ = 0;
    bool may_hold_up_ = true;
    bool holds_up_ = false;
    uint64_t next_listener_ = 1;
    std::map<uint64_t, std::shared_ptr<Listener>> listeners_;  // shared with a call under way
    std::vector<char> buffer_;
    Loop::Registration before_sleep_;
    Loop::Registration hold_up_ends_;
    Loop::Registration settle_timer_;
};

}  // namespace supervisor
