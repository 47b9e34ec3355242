// Whether a model's arguments fit what a tool takes: the part of JSON Schema that tools use (type,
// properties, required, enum, items). Pure.
#pragma once

#include <string>

#include "workers/common/base/json.h"

namespace agent {

// Empty when they fit, else a sentence that names the argument.
std::string argument_problem(const Json& schema, const Json& arguments);

}  // namespace agent
