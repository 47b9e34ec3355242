// How a turn of the agent ended, read from its result. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/gateway_agent.pb.h"

namespace gateway {

struct TurnUsage {
    int64_t input = 0;   // all of it
    int64_t cached = 0;  // of the input
    int64_t output = 0;
};

// A function of the client's that the model wants to be called.
struct TurnCall {
    std::string id;
    std::string name;
    std::string arguments;  // JSON
};

struct TurnEnd {
    enum class How {
        answered,
        cut_short,    // stopped by its owner, or by time
        refused,      // the request cannot be served as it is
        unavailable,  // it was not begun; another time it may be
        failed,
    };
    How how = How::failed;
    std::string text;
    std::string why;  // when there is no answer
    TurnUsage usage;
    std::vector<TurnCall> calls;  // the client goes on with what they come to

    bool has_answer() const { return how == How::answered || how == How::cut_short; }
};

// Of the last result of method `agent`. `accepted`: the turn had been begun.
TurnEnd read_turn_end(const hardshell::proto::RpcResult& result, bool accepted);

// What HTTP calls it.
struct HttpFault {
    int status;
    const char* type;
};
HttpFault http_fault(TurnEnd::How how);

}  // namespace gateway
