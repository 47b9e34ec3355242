// Changes single values in the text of a JSON5 file. Everything else stays as its owner wrote it:
// comments, order, quotes, indentation.
//
// Works on the text alone: what `$include` would bring is not looked at. Each function reads the
// text anew, and refuses, changing nothing, where a step of the path is missing or no container.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"
#include "workers/planner/source.h"

namespace planner {

// Replaces the value, or adds it with the objects that are missing on the way. In a list the place
// after the last element is one that can be added.
Done set_in_text(std::string& text, const Path& path, const Json& value);
Done remove_from_text(std::string& text, const Path& path);
// Another name for the last key of the path, in the quotes it has; its value and its place stay.
// Refuses a name that is taken.
Done rename_in_text(std::string& text, const Path& path, const std::string& key);

struct Edit {
    Path path;
    std::optional<Json> value;  // nothing: remove it
    std::string key = {};       // not empty: the name becomes that one, and nothing else changes
};

// What turns `before` into `after`, to be applied in this order. Touches no value that is the same
// in both.
std::vector<Edit> edits_between(const Json& before, const Json& after);

Done apply_edit(std::string& text, const Edit& edit);

}  // namespace planner
