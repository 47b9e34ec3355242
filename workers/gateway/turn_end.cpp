#include "workers/gateway/turn_end.h"

#include "workers/common/base/json.h"
#include "workers/gateway/frames.h"

namespace gateway {

namespace {

std::string texts_of(const Json& payloads) {
    std::string text;
    for (const Json& payload : payloads) {
        const std::string part = text_member(payload, "text");
        if (part.empty()) continue;
        if (!text.empty()) text += "\n\n";
        text += part;
    }
    return text;
}

TurnUsage usage_of(const Json& meta) {
    const Json& usage = member(member(meta, "agentMeta"), "usage");
    TurnUsage read;
    read.cached = int_member(usage, "cacheRead");
    read.input = int_member(usage, "input") + read.cached + int_member(usage, "cacheWrite");
    read.output = int_member(usage, "output");
    return read;
}

TurnEnd failure_of(const hardshell::proto::RpcResult& result, bool accepted) {
    TurnEnd end;
    end.why = result.error_message();
    if (accepted)
        end.how = TurnEnd::How::failed;
    else if (result.error_code() == code::invalid_request)
        end.how = TurnEnd::How::refused;
    else
        end.how = TurnEnd::How::unavailable;
    return end;
}

}  // namespace

TurnEnd read_turn_end(const hardshell::proto::RpcResult& result, bool accepted) {
    if (!result.ok()) return failure_of(result, accepted);
    const Result<Json> payload = parse_json(result.payload_json());
    TurnEnd end;
    if (!payload) {
        end.why = "the agent's answer cannot be read: " + payload.error().what;
        return end;
    }
    const Json& answer = member(*payload, "result");
    const Json& meta = member(answer, "meta");
    end.text = texts_of(member(answer, "payloads"));
    end.usage = usage_of(meta);
    if (const Json& calls = member(meta, "pendingToolCalls"); calls.is_array())
        for (const Json& call : calls)
            end.calls.push_back({text_member(call, "id"), text_member(call, "name"),
                                 text_member(call, "arguments", "{}")});
    const bool cut = bool_member(meta, "aborted") || text_member(meta, "stopReason") == "length";
    end.how = cut ? TurnEnd::How::cut_short : TurnEnd::How::answered;
    if (!cut || !end.text.empty()) return end;
    end.how = TurnEnd::How::failed;
    end.why = "the run was stopped before it had an answer";
    return end;
}

HttpFault http_fault(TurnEnd::How how) {
    switch (how) {
        case TurnEnd::How::refused:
            return {400, "invalid_request_error"};
        case TurnEnd::How::unavailable:
            return {503, "api_error"};
        default:
            return {500, "api_error"};
    }
}

}  // namespace gateway
