// Carries out what hooks ask for: wakes the main session, starts turns and tells the main session
// how they ended.
#pragma once

#include <memory>

#include "workers/common/base/loop.h"
#include "workers/gateway/agent_turns.h"
#include "workers/gateway/hooks.h"
#include "workers/gateway/http_reply.h"
#include "workers/gateway/log_budget.h"

namespace gateway {

class HookDesk {
  public:
    static constexpr std::chrono::milliseconds wake_deadline{30'000};

    HookDesk(const HookSettings& settings, AgentGate& agent, AgentTurns& turns);

    void take(const HttpAsk& ask, std::string body, std::shared_ptr<HttpReply> reply);

  private:
    class Listener;

    void wake(const HookWake& wake, std::shared_ptr<HttpReply> reply);
    void start(HookRun run, std::shared_ptr<HttpReply> reply);
    void begin(HookRun run, std::shared_ptr<HttpReply> reply);
    void deliver(const HookRun& run, const TurnEnd& end);
    void tell(const HookRun& run, const TurnEnd& end);
    void ask(const char* method, const Json& params, AgentGate::Answer answer);

    const HookSettings& settings_;
    AgentGate& agent_;
    AgentTurns& turns_;
    LogBudget log_{LogBudget::of_a_client};
};

}  // namespace gateway
