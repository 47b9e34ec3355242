// `hardshell config get | set | unset | validate | file`: one value of openclaw.json. A planner
// reads and writes it: the running gateway's, which has its environment, else one of our own.
// `hardshell reload` has the running gateway read the file again.
#pragma once

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// One value: "value.set" {path, value: JSON5} or "value.unset" {path}. What it does, as the end of
// a sentence: "; the running gateway takes it over".
Result<std::string> change_value(const Context& context, const std::string& method,
                                 const Json& params);

int run_config_get(const Context& context);
int run_config_set(const Context& context);
int run_config_unset(const Context& context);
int run_config_validate(const Context& context);
int run_config_file(const Context& context);
int run_reload(const Context& context);

}  // namespace cli
