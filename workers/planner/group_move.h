// A group of a channel that has another id from now on (Telegram: it became a supergroup): what the
// owner says about it moves to the new id. Pure.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace planner {

struct GroupMove {
    std::string from;
    std::string to;
};

struct MovedGroup {
    Json config;                      // as it says it now
    std::vector<std::string> places;  // where it was said: "channels.telegram.groups"; may be none
};
// `worker` is the account's process ("telegram", "telegram:ops"): nobody moves the groups of
// another account. bad_message: that is no account, the owner forbids it (configWrites), or the ids
// are none.
Result<MovedGroup> move_group(Json config, const std::string& worker, const GroupMove& move);

}  // namespace planner
