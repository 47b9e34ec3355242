// What the owner's configuration says about tools, with our own settings (HARDSHELL_*) beside it.
//
// Never fails: a member that is missing or of the wrong kind has its default.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "workers/common/base/json.h"

namespace tools {

struct ExecSettings {
    std::string host = "sandbox";  // sandbox, gateway, node
    std::string security;          // deny, allowlist, full; empty: by host
    std::string ask;               // off, on-miss, always; empty: on-miss
    std::chrono::milliseconds yield{10'000};
    std::chrono::milliseconds timeout{1'800'000};
    bool apply_patch = false;
    // Not in openclaw.json: an agent may be let write that.
    bool network = false;                // HARDSHELL_EXEC_NETWORK=on
    uint64_t memory_bytes = 512u << 20;  // HARDSHELL_EXEC_MEMORY_MIB, per process
    uint32_t most_processes = 128;       // HARDSHELL_EXEC_PROCESSES, per command
};

// What a person has chosen for a turn in place of `tools.exec`; empty members choose nothing.
struct ExecChoice {
    std::string host, security, ask;
};
void choose(const ExecChoice& choice, ExecSettings& settings);

using Variable = std::function<std::string(const char* name)>;
// `tools` of the agent is laid over `tools` of the whole.
ExecSettings exec_settings(const Json& config, const std::string& agent, const Variable& variable);

}  // namespace tools
