// Commands of the model's that wait for their owner's word, as far as people can give it by a
// command of their own: which there are, and who decides. The gateway keeps them; it is told what
// was said here as it is told by any other client.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace agent {

class CommandApprovals {
  public:
    using Ask = std::function<void(uint64_t call, const Json& request)>;
    using Resolve = std::function<Done(const std::string& id, const std::string& decision,
                                       const std::string& by)>;
    CommandApprovals(Ask ask, Resolve resolve, std::function<int64_t()> now_ms)
        : ask_(std::move(ask)), resolve_(std::move(resolve)), now_ms_(std::move(now_ms)) {}

    // `request`: parameters of exec.approval.request, without an id.
    void wanted(uint64_t call, Json request);
    // It was decided, or its time is over.
    void decided(uint64_t call);

    // "<id> allow-once", "deny <id>"; what the person is told. bad_message: how it is written, and
    // what waits in that session; empty: in all.
    Result<std::string> decide(const std::string& argument, const std::string& by,
                               const std::string& session = {});

    // Whoever runs the command waits no longer.
    static constexpr int64_t longest_wait_ms = 130'000;

  private:
    struct Pending {
        uint64_t call;
        std::string command;
        std::string session;
        int64_t since_ms;
    };
    void forget_old();
    std::string usage(const std::string& session) const;

    Ask ask_;
    Resolve resolve_;
    std::function<int64_t()> now_ms_;
    std::map<std::string, Pending> pending_;  // by id
};

}  // namespace agent
