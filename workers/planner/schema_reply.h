// The answer to config.schema: the schema as clients can use it, and hints for their forms.
#pragma once

#include <cstdint>

#include "workers/common/base/json.h"

namespace planner {

// {schema, uiHints, version, generatedAt}. The schema has no references: clients that draw forms
// do not follow them. Hints are by dotted path, `*` for a name of the owner's choice; entries of
// lists have no step of their own.
Json schema_reply(int64_t now_ms);

}  // namespace planner
