// The way to the supervisor for what only it can do: tell how the whole stands, start and stop
// workers. Whoever asks has been checked before.
//
// Every question is answered exactly once in the end: by the supervisor or by time.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace gateway {

class SupervisorGate {
  public:
    using SupervisorCall = hardshell::proto::SupervisorCall;
    using SupervisorAnswer = hardshell::proto::SupervisorAnswer;
    using Answer = std::function<void(const Result<SupervisorAnswer>&)>;

    static constexpr std::chrono::milliseconds longest_wait{5'000};
    static constexpr size_t most_open = 32;

    SupervisorGate(Loop& loop, std::function<Done(const SupervisorCall&)> send)
        : loop_(loop), send_(std::move(send)) {}

    // A refusal of the supervisor is an error, too.
    void ask(const std::string& verb, const std::string& worker, Answer answer);
    void take(const SupervisorAnswer& answer);

  private:
    struct Open {
        Answer answer;
        Loop::Registration deadline;
    };
    void finish(uint64_t id, const Result<SupervisorAnswer>& answer);

    Loop& loop_;
    std::function<Done(const SupervisorCall&)> send_;
    std::map<uint64_t, Open> open_;
    uint64_t next_id_ = 1;
};

}  // namespace gateway
