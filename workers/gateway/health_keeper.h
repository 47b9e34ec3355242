// Keeps the health report: refreshed every minute and when something changes, never more than once
// a second however many clients ask, and never waiting for an agent that is not there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workers/gateway/agent_gate.h"

namespace gateway {

class HealthKeeper {
  public:
    static constexpr std::chrono::milliseconds shortest_pause{1000};
    static constexpr std::chrono::milliseconds longest_age{60'000};
    static constexpr std::chrono::milliseconds agent_deadline{5000};
    using Workers = std::function<const WorkerStates&()>;

    HealthKeeper(Loop& loop, AgentGate& agent, const GatewaySettings& settings, Workers workers);

    // Begins the regular refreshing.
    void start();
    // Soon, at most once a second.
    void refresh();
    // A worker came or went: what is known is outdated, and asked for again at once.
    void states_changed();
    // The report as JSON text: what is known when that is fresh enough and no probe is asked for,
    // else that of the next refresh.
    void get(bool probe, std::function<void(const std::string& report)> answer);
    // The last report, empty before the first.
    const std::string& last() const { return report_; }
    // Called after each refresh.
    void on_refreshed(std::function<void(const std::string& report)> handler) {
        on_refreshed_ = std::move(handler);
    }

  private:
    void begin();
    void finish(const AgentGate::RpcResult& result, int64_t began_ms);

    Loop& loop_;
    AgentGate& agent_;
    const GatewaySettings& settings_;
    Workers workers_;
    Json agent_part_;
    std::string report_;
    int64_t refreshed_ms_ = 0;  // monotonic; 0: never
    bool under_way_ = false;
    bool again_ = false;
    bool outdated_ = false;
    Loop::Registration pause_;
    Loop::Registration minute_;
    std::vector<std::function<void(const std::string&)>> waiting_;
    std::function<void(const std::string&)> on_refreshed_;
};

}  // namespace gateway
