// What every benchmark needs: shares of a list, the owner's credential, the processes of a tree.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <vector>

#include "tests/support/gateway_client.h"
#include "tests/support/hardshell_process.h"

// The value below which that fraction of them lies; `values` has one at least.
inline double percentile(std::vector<double> values, double fraction) {
    std::sort(values.begin(), values.end());
    return values.at(static_cast<size_t>(fraction * static_cast<double>(values.size() - 1) + 0.5));
}

inline GatewayClient::Options owner() {
    GatewayClient::Options options;
    options.token = HardshellProcess::token;
    return options;
}

// The supervisor and everything below it.
inline std::vector<pid_t> tree(const HardshellProcess& hardshell) {
    std::vector<pid_t> pids = {hardshell.pid()};
    for (const ProcessEntry& entry : hardshell.descendants()) pids.push_back(entry.pid);
    return pids;
}
