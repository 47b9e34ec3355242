// The way to the configuration: asks the supervisor, which asks a planner, and hands the answer on.
// The gateway faces the internet and has no access to the file.
//
// Every question is answered exactly once in the end: by the planner or by time. What config.get
// says is kept: asked again, the supervisor says whether it still holds, which takes no planner. An
// answer with secrets is not.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "proto/plan.pb.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace gateway {

class ConfigGate {
  public:
    using ConfigCall = hardshell::proto::ConfigCall;
    using ConfigAnswer = hardshell::proto::ConfigAnswer;
    using Answer = std::function<void(const ConfigAnswer&)>;

    // A planner has 10 s, and may have to wait for others.
    static constexpr std::chrono::milliseconds longest_wait{30'000};
    static constexpr size_t most_open = 64;

    ConfigGate(Loop& loop, std::function<Done(const ConfigCall&)> send)
        : loop_(loop), send_(std::move(send)) {}

    void ask(const std::string& method, std::string params_json, Answer answer);
    void take(const ConfigAnswer& answer);

  private:
    struct Open {
        Answer answer;
        Loop::Registration deadline;
    };
    void give_up(uint64_t id);

    Loop& loop_;
    std::function<Done(const ConfigCall&)> send_;
    std::map<uint64_t, Open> open_;
    uint64_t next_id_ = 1;
    ConfigAnswer kept_;  // version 0: none
};

}  // namespace gateway
