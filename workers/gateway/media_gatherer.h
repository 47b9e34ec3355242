// Fetches what a request names by address, before its turn begins. The gateway reaches nobody
// itself: the agent is asked, and has the tools worker fetch, from public addresses only.
//
// Promises an end within a time that clients and proxies wait, and to hold no more than was
// reserved of the budget for bodies before the first fetch.
#pragma once

#include <functional>
#include <memory>

#include "workers/gateway/agent_gate.h"
#include "workers/gateway/body_budget.h"
#include "workers/gateway/http_settings.h"
#include "workers/gateway/turn_order.h"

namespace gateway {

class MediaGatherer {
  public:
    static constexpr size_t most_at_once = 4;     // requests; the tools worker fetches as many
    static constexpr size_t most_addresses = 16;  // of one request
    // Of one request. Nothing is written to its client meanwhile, and proxies wait for a minute.
    static constexpr std::chrono::milliseconds longest{45'000};
    static constexpr std::chrono::milliseconds patience{5'000};  // beyond the fetch's own limit
    // Base64 of all attachments of one request: with its text it must fit into a message to the
    // agent.
    static constexpr size_t largest_order = 12u << 20;

    // The budget outlives all that waits for the agent.
    MediaGatherer(Loop& loop, AgentGate& agent, const HttpSettings& settings, BodyBudget& bodies)
        : loop_(loop), agent_(agent), settings_(settings), bodies_(bodies) {}

    // `is_gone`: nobody waits for the order any more; the rest is not fetched, and `then` is not
    // called.
    // bad_message: what is wrong with an address, by its member's name; busy, unreachable,
    // timed_out: it may work another time. At once when there is nothing to be fetched.
    using IsGone = std::function<bool()>;
    using Then = std::function<void(Result<TurnOrder> order)>;
    void gather(TurnOrder order, IsGone is_gone, Then then);

    // Bytes of what one request may have, fetched and sent along.
    size_t most_together() const;

  private:
    struct Gathering {
        TurnOrder order;
        IsGone is_gone;
        Then then;  // null: it has ended
        BodyBudget::Share share;
        Loop::Registration deadline;
    };
    // Shared with the question to the agent, which may be answered after the time is over.
    using Shared = std::shared_ptr<Gathering>;

    uint64_t expected(const TurnOrder& order) const;
    void next(const Shared& gathering);
    void take(const Shared& gathering, size_t place, const AgentGate::RpcResult& result);
    void is_late(const Shared& gathering);
    void end(const Shared& gathering, Result<TurnOrder> order);

    Loop& loop_;
    AgentGate& agent_;
    const HttpSettings& settings_;
    BodyBudget& bodies_;
    size_t open_ = 0;
};

}  // namespace gateway
