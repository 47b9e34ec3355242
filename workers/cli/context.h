// What every command is given: where things are, how to print, what was typed.
//
// Global options are turned into the environment variables that OpenClaw uses for them, so that
// everything started from here sees the same.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "workers/cli/arguments.h"
#include "workers/cli/output.h"
#include "workers/common/base/paths.h"
#include "workers/common/base/result.h"

namespace cli {

struct Context {
    paths::Environment environment;
    std::string state_dir;
    std::string config_path;
    std::string run_dir;
    std::string libexec_dir;
    Style style;
    Arguments arguments;

    std::string control_socket() const { return paths::control_socket(run_dir); }
    // The variable, or its legacy CLAWDBOT_ spelling; `suffix` is "GATEWAY_TOKEN".
    std::string variable(const std::string& suffix) const;
};

// From the process's environment as it is now.
Context make_context(bool colour);

// The words before the command.
struct Globals {
    size_t words = 0;  // how many they were
    std::string profile;
    bool dev = false;
    bool no_color = false;
    bool help = false;
    bool version = false;
};
Result<Globals> parse_globals(std::span<const std::string> words);

// What a profile means, as (variable, value) pairs. Only those not set already.
std::vector<std::pair<std::string, std::string>> profile_variables(
    const Globals& globals, const paths::Environment& environment);

}  // namespace cli
