// exec-approvals.json in the state directory: which commands may run without asking their owner, in
// OpenClaw's format. The planner is its only writer here.
//
// Promises never to write over a text that the caller has not seen, to keep what it does not know,
// and to show the socket's token to nobody. Where the state directory has no such file, the one
// below the home directory, where OpenClaw keeps it whatever is configured, is read instead.
#pragma once

#include <cstdint>
#include <string>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace planner {

struct ApprovalsPlaces {
    std::string file;       // in the state directory
    std::string home_file;  // where OpenClaw keeps it
};
ApprovalsPlaces approvals_places(const std::string& state_dir, const std::string& home);

// {path, exists, hash, file}; bad_message for what the asker can mend.
Result<Json> read_approvals(const ApprovalsPlaces& places);
// The same, of the new file. `params`: {file, baseHash?}.
Result<Json> write_approvals(const ApprovalsPlaces& places, const Json& params);
// Somebody said "always" to a command: its program is put into the agent's list, where it is not
// yet. `params`: {agentId, program, command?}.
Result<Json> allow_program(const ApprovalsPlaces& places, const Json& params, int64_t now_ms);

}  // namespace planner
