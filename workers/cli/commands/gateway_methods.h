// `hardshell health`, `hardshell gateway call | health | status`: one method, its payload.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/cli/gateway_target.h"
#include "workers/common/base/json.h"

namespace cli {

std::string health_text(const Json& payload);
std::string gateway_status_text(const Target& target, const Json& hello, const Json& payload);
Json gateway_status_json(const Target& target, const Json& hello, const Json& payload);

int run_health(const Context& context);
int run_gateway_call(const Context& context);
int run_gateway_status(const Context& context);

}  // namespace cli
