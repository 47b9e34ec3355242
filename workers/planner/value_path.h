// The way to one value as people type it: `agents.list[0].id`, `channels["a.b"].name`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace planner {

struct PathStep {
    std::string name;
    bool is_index = false;  // a number in brackets
};
using ValuePath = std::vector<PathStep>;

// bad_message names what is wrong with the text.
Result<ValuePath> parse_value_path(std::string_view text);

// Null: there is nothing.
const Json* find_value(const Json& config, const ValuePath& path);
// Makes the objects and lists that are missing on the way. Refuses to put something inside a text
// or a number, and to leave a gap in a list.
Done set_value(Json& config, const ValuePath& path, Json value);
// False: there was nothing.
bool remove_value(Json& config, const ValuePath& path);

}  // namespace planner
