// `hardshell restart` and `hardshell stop`: ask the supervisor, then wait until it is so.
#pragma once

#include "workers/cli/context.h"

namespace cli {

int run_restart(const Context& context);
int run_start(const Context& context);
int run_stop(const Context& context);

}  // namespace cli
