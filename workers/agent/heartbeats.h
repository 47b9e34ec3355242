// The heartbeats of all agents: when the next one is due, what came of the last one, and turns that
// somebody wakes an agent for.
//
// Promises that a beat comes no earlier than its interval after the one before, over restarts too,
// that what it has to tell is delivered, be it by a later process, and that a clock that is set
// back or forward brings one beat and not many. Waking is the owner's wish: it waits for no
// interval and is not kept back by what keeps beats back.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "workers/agent/cron/time_zones.h"
#include "workers/agent/deliverer.h"
#include "workers/agent/heartbeat.h"
#include "workers/agent/runs.h"

namespace agent {

class Heartbeats {
  public:
    struct Services {
        Loop& loop;
        SessionStore& store;
        Runs& runs;
        ModelStarter& models;
        EventSink& events;
        const AgentConfig& config;
        SystemEvents& system_events;
        TimeZones& zones;
        std::function<int64_t()> now_ms;
        Deliverer* deliverer = nullptr;  // none: what is said is in the chat only
    };
    explicit Heartbeats(Services services);

    // Takes up what an earlier process left, system events included, and begins to beat.
    Done start();
    // Delivers what an earlier process had an answer for and did not get to; the runs and those who
    // deliver have recovered.
    Done recover();

    // A turn for the events that wait for the agent's main session. Calls back when it has ended.
    using Woken = std::function<void(const RunRecord& run)>;
    Done wake(const std::string& agent_id, Woken woken = nullptr);
    // Adds a system event, durably; false when it says nothing new.
    Result<bool> add_event(const SessionKey& session, const std::string& text);
    SessionKey main_session(const std::string& agent_id) const;

    // The last event, or null.
    const Json& last() const { return last_; }
    bool is_turned_on() const { return turned_on_; }
    // Lasts over a restart.
    Done turn(bool on);
    // {agentId, enabled, every, everyMs} and what else is configured.
    Json summary(const std::string& agent_id) const;

    // A busy session is looked at again after so long.
    static constexpr std::chrono::milliseconds busy_pause{10'000};
    // The wall clock is looked at so often.
    static constexpr std::chrono::milliseconds longest_sleep{60'000};

  private:
    struct Agent {
        std::string id;
        HeartbeatSettings settings;
        int64_t last_ms = 0;  // 0: never
        bool waits = false;   // for its session to be idle
    };
    struct Order {
        std::string prompt;
        SessionKey session;
        std::string model;
        bool is_wake = false;
    };
    // Their next beat comes an interval from now.
    Done count_from_now(const std::function<bool(const Agent&)>& which);
    int64_t next_of(const Agent& agent) const;
    void schedule();
    void beat_all();
    void beat(Agent& agent);
    BeatFacts facts_of(const Agent& agent) const;
    SessionKey session_of(const Agent& agent) const;
    Result<Runs::Accepted> begin(const std::string& agent_id, const Order& order);
    void ended(const RunRecord& record);
    RunRecord judged(RunRecord record);
    void close(const std::string& run_id);  // what was promised with it
    Result<std::string> deliver(const RunRecord& record, const std::string& target);
    void tell(Json event);

    Services services_;
    std::map<std::string, Agent> agents_;
    std::map<std::string, Woken> woken_;  // by run id
    Json last_;
    bool turned_on_ = true;
    Loop::Registration timer_;
};

}  // namespace agent
