// `hardshell doctor`: every check, what was found, and what to do about it.
#pragma once

#include <string>

#include "workers/cli/commands/findings.h"
#include "workers/cli/context.h"
#include "workers/cli/gateway_target.h"
#include "workers/common/base/json.h"

namespace cli {

std::string findings_text(const Findings& findings, const Style& style);
std::string findings_json(const Findings& findings);
// 0 when no finding is a problem, else 1.
int findings_exit_code(const Findings& findings);

// Of accounts whose worker runs, whether they are connected; from an answer of channels.status.
// `is_elsewhere`: commands on this machine tell nothing about that gateway.
Findings judge_channels(const Json& report, bool is_elsewhere = false);
// What to do about a gateway of this machine that does not take this client; empty where the error
// says it.
std::string cure_of_refusal(const Error& why, const Target& target);

int run_doctor(const Context& context);

}  // namespace cli
