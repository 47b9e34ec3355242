// Where things are: the state directory, the configuration file, the run directory, our programs.
// The rules for the first two are OpenClaw 2026.1.29's.
#pragma once

#include <functional>
#include <string>

namespace paths {

// Looks a variable up; empty when it is not set.
using Environment = std::function<std::string(const std::string& name)>;
Environment process_environment();

// OPENCLAW_STATE_DIR, CLAWDBOT_STATE_DIR, else ~/.openclaw, else the first of ~/.clawdbot,
// ~/.moltbot, ~/.moldbot that exists, else ~/.openclaw. Absolute; `~` expanded; not created.
std::string state_dir(const Environment& environment);

// OPENCLAW_CONFIG_PATH, CLAWDBOT_CONFIG_PATH, else the first existing file of openclaw.json,
// clawdbot.json, moltbot.json, moldbot.json in the state directory, then (only when no variable
// names the state directory) the same in the home directories, else <state dir>/openclaw.json.
std::string config_path(const Environment& environment, const std::string& state_dir);

// Where sockets live, one directory per state directory: HARDSHELL_RUN_DIR, else
// /run/hardshell/<hash> for root, else $XDG_RUNTIME_DIR/hardshell/<hash>, else
// /tmp/hardshell-<uid>/<hash>. The command line and the supervisor find each other through it.
std::string run_dir(const Environment& environment, const std::string& state_dir);
std::string control_socket(const std::string& run_dir);

// The directory of the process executables, from the place of the running program:
// <dir>/libexec/hardshell beside it, else <dir>/../libexec/hardshell, else its own directory.
std::string libexec_dir();

// Where the planner keeps the gateway token it made because none was configured.
std::string generated_token_file(const std::string& state_dir);
// What a plan calls the source of one that it could not keep there.
inline constexpr const char* token_of_this_start = "made for this start only";

}  // namespace paths
