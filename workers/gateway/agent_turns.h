// Turns of the agent that are started over HTTP: asks for them, follows their text, and tells their
// end once.
//
// Promises an end for each that was started, whatever becomes of the agent: when it dies over a
// turn that it had accepted, its next life carries that turn on, and the answer is waited for
// there. A turn is never ended because nobody listens any more: its answer is kept in the session.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "workers/gateway/agent_gate.h"
#include "workers/gateway/turn_end.h"
#include "workers/gateway/turn_order.h"

namespace gateway {

class TurnListener {
  public:
    virtual ~TurnListener() = default;
    virtual void accepted() {}
    // All of the answer so far. It may begin anew when another model takes over.
    virtual void text_is(std::string_view) {}
    virtual void ended(const TurnEnd& end) = 0;
};

class AgentTurns {
  public:
    static constexpr size_t most_open = 64;
    // How often an agent's death is outlived.
    static constexpr int most_deaths = 2;
    static constexpr std::chrono::milliseconds longest_recovery{900'000};

    explicit AgentTurns(AgentGate& agent) : agent_(agent) {}

    void start(TurnOrder order, std::shared_ptr<TurnListener> listener);
    // An event of any run.
    void saw(const hardshell::proto::ClientEvent& event);
    size_t open() const { return turns_.size(); }

  private:
    struct Turn {
        std::shared_ptr<TurnListener> listener;  // shared with the reply that it feeds
        std::string session_key;
        bool accepted = false;
        int deaths = 0;
    };
    void ask(const std::string& method, Json params, AgentGate::Answer answer);
    void take(const std::string& run_id, const AgentGate::RpcResult& result);
    void wait_for_next_life(const std::string& run_id);
    void ask_for_answer(const std::string& run_id);
    void end(const std::string& run_id, const TurnEnd& how);

    AgentGate& agent_;
    std::map<std::string, Turn> turns_;  // by run id
};

}  // namespace gateway
