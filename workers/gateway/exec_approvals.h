// Commands that wait for the owner's word before they are run: who asked, until when, and what was
// decided. Every request is answered once: by a decision, or by time with none.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "workers/common/base/json.h"
#include "workers/common/base/loop.h"
#include "workers/gateway/frames.h"

namespace gateway {

class ExecApprovals {
  public:
    static constexpr std::chrono::milliseconds default_patience{120'000};
    static constexpr std::chrono::milliseconds longest_patience{3'600'000};
    static constexpr size_t most_requests = 128;

    // {id, decision (null: none in time), createdAtMs, expiresAtMs}
    using Answer = std::function<void(const Json& outcome)>;
    using Listener = std::function<void(const std::string& event, const Json& payload)>;

    explicit ExecApprovals(Loop& loop) : loop_(loop) {}

    // Told of "exec.approval.requested" and "exec.approval.resolved" with their payloads.
    void on_event(Listener listener) { on_event_ = std::move(listener); }

    // Parameters of exec.approval.request that fit its shape.
    std::optional<Failure> request(const Json& params, int64_t now_ms, Answer answer);
    std::optional<Failure> resolve(const std::string& id, const std::string& decision,
                                   const std::string& by, int64_t now_ms);
    size_t waiting() const { return waiting_.size(); }

  private:
    struct Waiting {
        int64_t created_ms;
        int64_t expires_ms;
        Answer answer;
        Loop::Registration deadline;
    };
    void finish(const std::string& id, const Json& decision);

    Loop& loop_;
    std::map<std::string, Waiting> waiting_;
    Listener on_event_;
};

}  // namespace gateway
