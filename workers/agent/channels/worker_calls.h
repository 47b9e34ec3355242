// Methods that only a channel's process can serve: voicecall.*.
//
// Promises one answer to each call, whatever becomes of that process. Nothing is repeated: what it
// had been asked when it ended may have been done.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace agent {

class WorkerCalls {
  public:
    using Send =
        std::function<Done(const std::string& worker, const hardshell::proto::AgentToChannel&)>;
    using Reply = std::function<void(const Result<Json>& payload)>;

    explicit WorkerCalls(Send send) : send_(std::move(send)) {}

    // `by_model`: a tool asks. unreachable: the process is not there, or ends meanwhile.
    void ask(const std::string& worker, const std::string& method, const Json& params,
             bool by_model, Reply reply);
    void answered(const std::string& worker, const hardshell::proto::WorkerAnswer& answer);
    // Another life of it: what the last one was asked fails.
    void forget(const std::string& worker);

    static constexpr size_t most_open = 64;

  private:
    struct Open {
        std::string worker;
        Reply reply;
    };
    Send send_;
    std::map<uint64_t, Open> open_;
    uint64_t last_ = 0;
};

}  // namespace agent
