// How the former lives of a worker ended, for the log and the status.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "proto/supervisor_worker.pb.h"
#include "supervisor/obituary.h"

namespace supervisor {

class WorkerHistory {
  public:
    // How many of its last lines are enough to find a whole backtrace in.
    static constexpr size_t lines_wanted = 80;
    // Ends that are told one by one; all are counted.
    static constexpr size_t most_deaths = 8;

    // A life is over at `at_ms` since the epoch; `lines` are the last that it printed. An end on
    // request leaves what is known of the last failure.
    void add(Ended how, const std::string& text, std::vector<std::string> lines, int64_t at_ms = 0);

    const std::string& last_end() const { return last_end_; }
    // The last failure and what it said of it, or the last few lines before it, as part of one line
    // of the log.
    std::string last_words() const;
    void describe(hardshell::proto::WorkerStatus& status) const;

  private:
    uint32_t restarts_ = 0;
    std::string last_end_;
    std::string last_cause_;
    std::vector<std::string> last_lines_;
    std::map<std::string, uint64_t> ends_;  // by cause
    std::deque<hardshell::proto::Death> deaths_;
};

}  // namespace supervisor
