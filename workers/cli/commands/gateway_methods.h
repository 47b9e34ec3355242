// `hardshell health`, `hardshell gateway call | health | status`: one method, its payload.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/cli/gateway_target.h"
#include "workers/common/base/json.h"

namespace cli {

// One method over a connection of its own, to the gateway that the options name.
// Waits as long as --timeout says, else `patience_ms`.
Result<Json> call_gateway(const Context& context, const std::string& method, const Json& params,
                          int64_t patience_ms = 10'000);

// Indented, with a line break at the end.
std::string pretty(const Json& value);

std::string health_text(const Json& payload);
std::string gateway_status_text(const Target& target, const Json& hello, const Json& payload);
Json gateway_status_json(const Target& target, const Json& hello, const Json& payload);

// What OpenClaw says beside: the service (here the supervisor), the configuration, the port.
Json service_json(const Result<hardshell::proto::StatusReport>& report,
                  const std::string& config_path, bool config_exists);

int run_health(const Context& context);
int run_gateway_call(const Context& context);
int run_gateway_status(const Context& context);

}  // namespace cli
