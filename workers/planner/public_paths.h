// The table of public paths: which worker answers which path of the internet's, on the gateway's
// port and through a tunnel alike.
//
// A path is there only while its worker has what tells genuine requests from forged ones. Paths
// that the gateway itself serves are nobody else's.
#pragma once

#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/common/base/json.h"
#include "workers/planner/notices.h"
#include "workers/planner/rules.h"

namespace planner {

// A path that the configuration asks for.
struct PathWish {
    hardshell::proto::PublicPath path;
    // The name of the secret without which the path is not there; how it is asked for in messages.
    std::string secret;
    bool needs_tunnel = false;  // the internet knows it by no other address
    Path place;                 // of the key in the configuration
};

// Of one Telegram account: `section` is its own merged over the channel's, `place` leads to it.
std::vector<PathWish> telegram_paths(const std::string& worker, const Json& section,
                                     const Path& place);
std::vector<PathWish> voice_paths(const Json& config);

// What is wrong with the paths that the configuration asks for: no path, the gateway's own, or two
// of them the same.
void check_public_paths(const Json& config, std::vector<RuleFinding>& findings);

// Gives the plan's doors the paths that can be served. `wishes` in their order: of two for one path
// the first has it. Says why one is not there.
void add_public_paths(const std::vector<PathWish>& wishes, hardshell::proto::Plan& plan,
                      Notices& notices);

}  // namespace planner
