// Requests that come over the control socket and are answered by the gateway worker: which command
// line waits for which answer.
//
// Understands neither request nor answer. Every caller is answered once: by the worker, by its
// death, or by time.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "proto/control.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "supervisor/control_socket.h"
#include "workers/common/base/loop.h"

namespace supervisor {

class OwnerCalls {
  public:
    // Less than a command line waits for its answer.
    static constexpr std::chrono::milliseconds default_patience{4000};

    // `send` hands a request to the worker.
    using Send = std::function<Done(const hardshell::proto::OwnerRequest&)>;

    explicit OwnerCalls(Loop& loop, std::chrono::milliseconds patience = default_patience)
        : loop_(loop), patience_(patience) {}

    void ask(ControlClient& caller, const std::string& method, const std::string& params_json,
             const Send& send);
    void answered(const hardshell::proto::OwnerResult& result);
    // The worker does not run any more.
    void worker_ended(const std::string& why);
    size_t waiting() const { return callers_.size(); }

  private:
    struct Caller {
        ControlClient* client;
        Loop::Registration deadline;
    };
    void refuse(uint64_t id, const std::string& why);

    Loop& loop_;
    std::chrono::milliseconds patience_;
    std::map<uint64_t, Caller> callers_;
    uint64_t next_id_ = 1;
};

}  // namespace supervisor
