// A group of a channel that has another id from now on (Telegram: it became a supergroup): what the
// owner says about it, settings and bindings, moves to the new id. Pure.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"
#include "workers/planner/text_edit.h"

namespace planner {

struct GroupMove {
    std::string from;
    std::string to;
};

struct MovedGroup {
    Json config;                      // as it says it now
    std::vector<std::string> places;  // where it was said: "channels.telegram.groups"; may be none
    std::vector<Edit> edits;          // what changes
};
// `worker` is the account's process ("telegram", "telegram:ops"). What stands in the section of
// another account, or is bound to one, stays; what the accounts of a channel share (its own
// `groups`, bindings of "*") any of them moves. A group moves once, from an id that only basic
// groups have to one that only supergroups have, so that nothing can be moved to and fro.
// bad_message: that is no account, the owner forbids it (configWrites), or the ids are others.
Result<MovedGroup> move_group(Json config, const std::string& worker, const GroupMove& move);

}  // namespace planner
