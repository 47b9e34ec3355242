// ${NAME} in the text values of a configuration, and `~` at the start of its paths.
//
// NAME is upper case letters, digits and _. A variable that is not set, or empty, is a problem
// that names it; $${NAME} stands for the text ${NAME}; anything else is left alone. Keys are never
// changed.
#pragma once

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/problem.h"

namespace planner {

enum class Missing {
    is_a_problem,
    leaves_the_key_out,  // and the problem is not reported
};

void substitute(Json& config, const Environment& environment, const Files& files,
                const Source& source, Missing missing, Problems& problems);

// The variables that the configuration itself sets (env.vars, and text directly under env).
void add_config_variables(const Json& config, const std::string& file, Environment& environment);

// Expands `~` where the key's name says that the value is a path.
void expand_home(Json& config, const std::string& home);

}  // namespace planner
