// The document of all fields of openclaw.json, from its schema.
#pragma once

#include <string>

#include "workers/common/base/json.h"

namespace planner {

// Markdown: a section for each top-level key, a line for each field.
std::string field_reference(const Json& schema);

}  // namespace planner
