// `hardshell gateway probe` and `gateway usage-cost`: can it be reached, and what did it cost.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/cli/gateway_target.h"
#include "workers/common/base/json.h"

namespace cli {

// What a probe found out about one gateway; `answers` by method.
struct Probe {
    std::string url;
    bool reached = false;
    int64_t latency_ms = 0;
    std::string error;
    Json hello;
    Json answers = Json::object();
    std::string call_error;  // the first method that failed, and why
};
Json probe_json(const Probe& probe, int64_t began_ms, int64_t now_ms, int64_t timeout_ms);
std::string probe_text(const Probe& probe, const Style& style);

std::string usage_cost_text(const Json& usage, const Style& style);

int run_gateway_probe(const Context& context);
int run_gateway_usage_cost(const Context& context);

}  // namespace cli
