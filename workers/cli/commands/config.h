// `hardshell config get | set | unset | validate | file`: one value of openclaw.json. A planner
// reads and writes it: the running gateway's, which has its environment, else one of our own.
// `hardshell reload` has the running gateway read the file again.
#pragma once

#include "workers/cli/context.h"

namespace cli {

int run_config_get(const Context& context);
int run_config_set(const Context& context);
int run_config_unset(const Context& context);
int run_config_validate(const Context& context);
int run_config_file(const Context& context);
int run_reload(const Context& context);

}  // namespace cli
