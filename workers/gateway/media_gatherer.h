// Fetches what a request names by address, before its turn begins. The gateway reaches nobody
// itself: the agent is asked, and has the tools worker fetch, from public addresses only.
#pragma once

#include <functional>
#include <memory>

#include "workers/gateway/agent_gate.h"
#include "workers/gateway/http_settings.h"
#include "workers/gateway/turn_order.h"

namespace gateway {

class MediaGatherer {
  public:
    static constexpr size_t most_at_once = 2;     // requests
    static constexpr size_t most_addresses = 16;  // of one request
    // Base64 of all attachments of one request: with its text it must fit into a message to the
    // agent, and two of them into this process.
    static constexpr size_t most_together = 12u << 20;
    static constexpr std::chrono::milliseconds patience{5'000};  // beyond the fetch's own limit

    MediaGatherer(AgentGate& agent, const HttpSettings& settings)
        : agent_(agent), settings_(settings) {}

    // bad_message: what is wrong with an address, by its member's name; busy, unreachable: it may
    // work another time. At once when there is nothing to be fetched.
    using Then = std::function<void(Result<TurnOrder> order)>;
    void gather(TurnOrder order, Then then);

  private:
    struct Gathering {
        TurnOrder order;
        Then then;
    };
    void next(const std::shared_ptr<Gathering>& gathering);
    void take(const std::shared_ptr<Gathering>& gathering, size_t place,
              const AgentGate::RpcResult& result);
    void end(const std::shared_ptr<Gathering>& gathering, Result<TurnOrder> order);

    AgentGate& agent_;
    const HttpSettings& settings_;
    size_t open_ = 0;
};

}  // namespace gateway
