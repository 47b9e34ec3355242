// `hardshell gateway`: checks the options and becomes the supervisor.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "workers/cli/context.h"

namespace cli {

// What the supervisor is started with. Secrets travel as variables: an argument shows in the
// process list.
struct GatewayStart {
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;
};

// The texts of refusals are OpenClaw's.
Result<GatewayStart> gateway_start(const Context& context);

// Does not return when it works.
int run_gateway(const Context& context);

}  // namespace cli
