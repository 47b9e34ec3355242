// One skill's settings in a configuration, as skills.update changes them.
#pragma once

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace planner {

// `params`: {skillKey, enabled?, apiKey?, env?}. An empty key or value removes what was there; the
// placeholder for a hidden secret leaves it as it is.
Done change_skill_entry(Json& config, const Json& params);

// For a worker that is to know which secrets a skill has been given, but not the secrets: adds
// their names, "apiKey" and those of variables, as `given` to each entry.
void name_given_secrets(Json& config);

}  // namespace planner
