// The way to the agent: asks it, hands its answers and events on, and answers for it when it dies.
//
// Every question is answered exactly once in the end: by the agent, by its death, or by time. A
// question asked while the agent is down waits here for its next life, not in the link, so that one
// that was given up is never carried out afterwards.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <string>

#include "proto/gateway_agent.pb.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"
#include "workers/gateway/reports.h"
#include "workers/gateway/run_ledger.h"

namespace gateway {

// What the gate needs of a link.
class AgentChannel {
  public:
    virtual ~AgentChannel() = default;
    virtual Done send(const google::protobuf::MessageLite& message) = 0;
    // The peer is gone: what still waits for it must never reach its successor.
    virtual void forget_peer(uint64_t incarnation) = 0;
};

class AgentGate {
  public:
    using RpcResult = hardshell::proto::RpcResult;
    // Called for each result; `more` in it announces another.
    using Answer = std::function<void(const RpcResult&)>;

    static constexpr std::chrono::milliseconds longest_wait_for_life{10'000};
    // Frames the dead agent had already sent are let in before its runs are ended.
    static constexpr std::chrono::milliseconds last_words{5};

    static constexpr size_t most_held = 512;
    static constexpr size_t most_held_bytes = 16u << 20;  // of their parameters

    struct Question {
        std::string method;
        std::string params_json;
        hardshell::proto::Caller caller;
        std::chrono::milliseconds deadline{0};  // 0: none
        bool waits_for_life = true;
    };

    AgentGate(Loop& loop, AgentChannel& channel) : loop_(loop), channel_(channel) {}

    void ask(Question question, Answer answer);
    bool is_serving() const { return serving_; }
    size_t outstanding() const { return asked_.size() + held_.size(); }
    size_t open_runs() const { return runs_.size(); }

    // A frame from the agent.
    void take(std::string_view message);
    // A later life of the agent has spoken.
    void peer_is(uint64_t incarnation);
    void workers_changed(const WorkerStates& workers);

    void on_event(std::function<void(const hardshell::proto::ClientEvent&)> handler) {
        on_event_ = std::move(handler);
    }
    // A command of the agent's waits for its owner's word; the parameters are the agent's own, of
    // exec.approval.request. To be answered with decide_approval().
    using Approval = std::function<void(uint64_t id, const std::string& params_json)>;
    void on_approval(Approval handler) { on_approval_ = std::move(handler); }
    // Somebody decided by a command of the agent's.
    using Resolved = std::function<void(const std::string& approval_id, const std::string& decision,
                                        const std::string& by)>;
    void on_resolved(Resolved handler) { on_resolved_ = std::move(handler); }
    // To the agent's life that asked; an empty decision: nobody decided.
    void decide_approval(uint64_t life, uint64_t id, const std::string& decision);
    uint64_t agent_life() const { return incarnation_; }
    // What was answered before may not hold any more: something changed, or the agent ended.
    void on_outdated(std::function<void()> handler) { on_outdated_ = std::move(handler); }
    void on_run_lost(std::function<void(const OpenRun&)> handler) {
        on_run_lost_ = std::move(handler);
    }
    // How the channels are, as JSON; whole, at each change.
    void on_channels(std::function<void(const std::string& channels_json)> handler) {
        on_channels_ = std::move(handler);
    }
    // A chat.send or agent request started this run.
    void run_started(const std::string& run_id, const std::string& session_key) {
        runs_.saw(run_id, session_key, 0);
    }

  private:
    struct Asked {
        Answer answer;
        Loop::Registration deadline;
    };
    struct Held {
        Question question;
        Answer answer;
        Loop::Registration deadline;
    };

    void put(Question question, Answer answer);
    void hold(Question question, Answer answer);
    void release_held();
    void give_up(uint64_t id, const std::string& why);
    void take_result(const RpcResult& result);
    void life_ended();
    void bury();
    void serve_if_possible();
    void refuse_held(const std::string& why);

    Loop& loop_;
    AgentChannel& channel_;
    RunLedger runs_;
    std::map<uint64_t, Asked> asked_;
    std::list<Held> held_;
    size_t held_bytes_ = 0;
    uint64_t next_id_ = 1;
    uint64_t incarnation_ = 0;
    bool alive_ = false;
    bool ready_ = false;  // the supervisor says so
    bool heard_ = true;   // on the link, if one ended before: what is asked cannot go to that one
    bool serving_ = false;
    // Not empty: no next life will come by itself, and why.
    std::string hopeless_;
    Loop::Registration burial_;
    std::function<void(const hardshell::proto::ClientEvent&)> on_event_;
    std::function<void()> on_outdated_;
    std::function<void(const OpenRun&)> on_run_lost_;
    std::function<void(const std::string&)> on_channels_;
    Approval on_approval_;
    Resolved on_resolved_;
};

}  // namespace gateway
