// The log: whole lines of every worker to one stdout, stamped with time and worker name.
//
// Promises: a line is written whole or not at all; known secrets are masked; control bytes are
// escaped; a stdout that is not read blocks nobody (lines are dropped and counted); what a dying
// worker wrote is not lost, and its unfinished last line is ended, never glued to the next life.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

namespace supervisor {

struct LogRecord {
    uint64_t sequence = 0;
    int64_t time_ms = 0;
    std::string text;
};

class LogPump {
  public:
    static constexpr size_t longest_line = 8192;         // bytes; longer ones are continued
    static constexpr size_t ring_size = 256u << 10;      // bytes of lines kept per worker
    static constexpr size_t longest_backlog = 4u << 20;  // bytes waiting for stdout

    // Writes to that descriptor, which it does not own.
    LogPump(Loop& loop, int output);
    ~LogPump();

    // A line of the supervisor's own; `severity` is "" (info), "warn" or "error".
    void say(std::string_view severity, std::string_view text);
    // Follows the read end of a worker's pipe until it ends; one per life and stream.
    void follow(const std::string& worker, Fd pipe);
    // The worker has died: takes what is still in its pipes and closes them.
    void finish(const std::string& worker);
    // Replaces the values to be masked; those shorter than 6 bytes are left alone.
    void mask(std::vector<std::string> secrets);

    // The last lines of a worker ("" for all), oldest first, with a sequence above `after`.
    std::vector<std::pair<std::string, LogRecord>> recent(const std::string& worker, uint64_t after,
                                                          size_t most) const;
    // Called for each line from now on, until the registration goes.
    Loop::Registration listen(
        std::function<void(const std::string& worker, const LogRecord&)> listener);

    // Writes what waits, for at most that long.
    void flush(std::chrono::milliseconds longest);
    uint64_t dropped() const { return dropped_; }

  private:
    struct Source;
    struct Ring {
        std::deque<LogRecord> lines;
        size_t bytes = 0;
    };

    void read(Source& source);
    void take(Source& source, std::string_view bytes);
    void line(const std::string& worker, std::string_view text, std::string_view mark = {});
    void remember(const std::string& worker, LogRecord record);
    void write_out(std::string text);
    void write_some();

    Loop& loop_;
    Fd own_output_;
    int output_;
    bool output_is_closed_ = false;
    std::string backlog_;
    uint64_t dropped_ = 0;
    uint64_t unreported_drops_ = 0;
    uint64_t next_sequence_ = 1;
    std::vector<std::unique_ptr<Source>> sources_;
    std::map<std::string, Ring> rings_;
    std::vector<std::string> secrets_;
    uint64_t next_listener_ = 1;
    std::map<uint64_t, std::function<void(const std::string&, const LogRecord&)>> listeners_;
    Loop::Registration retry_;
};

// Replaces every secret by ***; longer ones first, so that one inside another leaves no rest.
std::string mask_secrets(std::string text, const std::vector<std::string>& longest_first);
// Makes control bytes and broken UTF-8 visible: \x1b. Tab stays.
std::string escape_control(std::string_view text);

}  // namespace supervisor
