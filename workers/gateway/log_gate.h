// The way to the log of all workers: asks the supervisor, who keeps the last lines of each, and
// hands its answer on.
//
// Every question is answered exactly once in the end: by the supervisor or by time.
#pragma once

#include <functional>
#include <map>

#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace gateway {

class LogGate {
  public:
    using LogQuery = hardshell::proto::LogQuery;
    using LogAnswer = hardshell::proto::LogAnswer;
    using Answer = std::function<void(const Result<LogAnswer>&)>;

    static constexpr std::chrono::milliseconds longest_wait{5'000};
    // Each answer may be a megabyte.
    static constexpr size_t most_open = 8;

    LogGate(Loop& loop, std::function<Done(const LogQuery&)> send)
        : loop_(loop), send_(std::move(send)) {}

    void ask(LogQuery query, Answer answer);
    void take(const LogAnswer& answer);

  private:
    struct Open {
        Answer answer;
        Loop::Registration deadline;
    };
    void finish(uint64_t id, const Result<LogAnswer>& answer);

    Loop& loop_;
    std::function<Done(const LogQuery&)> send_;
    std::map<uint64_t, Open> open_;
    uint64_t next_id_ = 1;
};

}  // namespace gateway
