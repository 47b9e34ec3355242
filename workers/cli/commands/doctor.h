// `hardshell doctor`: every check, what was found, and what to do about it.
#pragma once

#include <string>

#include "workers/cli/commands/findings.h"
#include "workers/cli/context.h"

namespace cli {

std::string findings_text(const Findings& findings, const Style& style);
std::string findings_json(const Findings& findings);
// 0 when no finding is a problem, else 1.
int findings_exit_code(const Findings& findings);

int run_doctor(const Context& context);

}  // namespace cli
