// POST /tools/invoke: the request read, the agent's verdict written. Pure. Which tools there are
// and who may use them is the agent's to say.
#pragma once

#include "proto/gateway_agent.pb.h"
#include "workers/common/base/json.h"
#include "workers/gateway/http_answer.h"

namespace gateway {

// Parameters of the agent's method; bad_message says what is wrong with the body.
Result<Json> read_tool_request(const Json& body, const HttpAsk& ask);
HttpAnswer tool_answer(const hardshell::proto::RpcResult& result);

}  // namespace gateway
