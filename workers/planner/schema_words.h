// The words of schema messages: types, text formats, and the nearest known key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"

namespace planner {

// Whether a value is of the JSON Schema type of that name. Aborts on a name that is none: the
// schema is ours.
bool is_of_type(const Json& value, std::string_view type);
// "a text", "a whole number"
const char* type_with_article(std::string_view type);
// What was found, for messages: numbers and booleans as they are, of everything else the type.
std::string found_in(const Json& value);

// What a text of that format has to be; null when it fits or the format is not known.
const char* expected_by_format(std::string_view format, std::string_view text);

// "a, b or c"
std::string joined_by_or(const std::vector<std::string>& words);
// `did you mean "port"?`, or empty when no member of `known` is close to `key`.
std::string suggestion(const std::string& key, const Json& known);

}  // namespace planner
