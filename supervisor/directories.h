// Makes the state directory and the run directory, each part owned by the one process that writes
// it. Never follows a symbolic link below them and never touches a file with a second name: both
// could have been laid by a worker.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

namespace supervisor {

// Of sun_path, which ends with a zero.
constexpr size_t longest_socket_path = 107;
Error too_long(const std::string& socket_path);

// Whether workers can have users of their own.
struct UserIsolation {
    bool on = false;
    std::string why_not;  // for the log, when off
};

// Needs root with its usual rights, and directories that other users may pass through.
UserIsolation user_isolation(const std::string& state_dir, const std::string& run_dir);

// Creates the state directory where it is missing and opens it; changes nothing in one that exists.
Result<Fd> open_state_dir(const std::string& state_dir);
// Creates the folders of the roster in it and gives each its owner.
Done prepare_state_dir(int directory, const std::string& state_dir, const std::string& config_path,
                       bool isolate);

// Creates a folder that agents work in, by its path below the state directory, and gives it with
// its content to those that may write there: who has the roster's workspaces. Leaves alone what is
// a symbolic link, or lies behind one: it is its owner's. bad_config when no workspace can be
// there.
Done prepare_workspace(int directory, const std::string& state_dir, const std::string& path,
                       bool isolate);

// Gives the configuration to the planner's user again: an editor that replaces a file leaves it to
// its own. Only root can; does nothing for a file elsewhere.
void give_config(int state_dir, const std::string& state_dir_path, const std::string& config_path,
                 bool isolate);

// Creates the run directory, whose sockets must have room in their addresses, and in it one
// directory per link that only its two ends can enter: the binder owns it, the connector's group
// may pass.
Done prepare_run_dir(const std::string& run_dir, bool isolate);
Done prepare_link_dir(const std::string& directory, std::optional<unsigned> binder,
                      std::optional<unsigned> connector);

}  // namespace supervisor
