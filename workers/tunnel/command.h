// A program that is run to its end for what it says.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "workers/tunnel/child.h"

namespace tunnel {

struct CommandResult {
    int code = -1;  // -1: it could not be started
    bool timed_out = false;
    std::string output;
    std::string errors;
};

class Command {
  public:
    static constexpr size_t largest_output = 512 * 1024;
    using Done = std::function<void(const CommandResult&)>;

    explicit Command(Loop& loop);

    bool is_running() const { return child_.is_running() || static_cast<bool>(done_); }
    // One at a time.
    void run(const ChildOrder& order, std::chrono::milliseconds time, Done done);
    // Ends it without a call.
    void cancel();

  private:
    void ended(int code);

    Loop& loop_;
    Child child_;
    CommandResult result_;
    Done done_;
    Loop::Registration deadline_;
};

}  // namespace tunnel
