// The lines that arrive at the read end of a pipe, collected by a thread of its own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/deadline.h"
#include "workers/common/base/fd.h"

class LineLog {
  public:
    LineLog() = default;
    ~LineLog() { join(); }
    LineLog(const LineLog&) = delete;
    LineLog& operator=(const LineLog&) = delete;

    // Follows a pipe until its last writer is gone. Lines of an earlier pipe stay.
    void follow(Fd pipe);
    // Until the pipe has ended.
    void join();

    std::vector<std::string> lines() const;
    std::string text() const;
    size_t count() const;
    // The first line at or after `from` that contains the text.
    std::optional<std::string> wait(const std::string& text, size_t from = 0,
                                    std::chrono::milliseconds limit = patience) const;

  private:
    void read(Fd pipe);

    std::thread reader_;
    mutable std::mutex mutex_;
    mutable std::condition_variable arrived_;
    std::vector<std::string> lines_;
    bool ended_ = false;
};
