// Answers of the agent that it allows to be given again: to all who ask the same, until the agent
// says that something changed, or their time is over.
//
// Promises that nobody who could know of a change is told what was before it: the agent's word of a
// change comes over the same link as the answer, or event, that tells of it, and before it. Who
// asks what is being asked already gets the answer to that; it is made no earlier than it is sent.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/gateway/agent_gate.h"
#include "workers/gateway/client.h"

namespace gateway {

class KeptAnswers {
  public:
    static constexpr size_t most_bytes = 8u << 20;
    using RpcResult = AgentGate::RpcResult;

    explicit KeptAnswers(AgentGate& agent);
    KeptAnswers(const KeptAnswers&) = delete;
    KeptAnswers& operator=(const KeptAnswers&) = delete;

    // Whether the answers to a method depend on nothing but it and its parameters.
    static bool covers(std::string_view method);
    struct Kept {
        RpcResult result;
        SharedFrame rest;  // of every response with it
        int64_t until_ms;  // monotonic
    };
    // Null when it has to be asked for. Valid until the next turn of the loop.
    const Kept* find(std::string_view method, std::string_view params_json, int64_t now_ms);
    // Of a method that is covered.
    void ask(AgentGate::Question question, AgentGate::Answer answer);
    // Lets go of what is over.
    void tidy(int64_t now_ms);

  private:
    using Waiting = std::vector<AgentGate::Answer>;
    void keep(const std::string& key, const RpcResult& result);
    void forget_all();

    AgentGate& agent_;
    std::map<std::string, Kept, std::less<>> kept_;
    size_t bytes_ = 0;
    // Shared with the question under way, which may be answered after it is forgotten here.
    std::map<std::string, std::shared_ptr<Waiting>> asked_;
};

}  // namespace gateway
