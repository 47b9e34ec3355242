// `hardshell voicecall`: telephone calls through the running gateway, as OpenClaw's command of that
// name.
#pragma once

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

int run_voicecall_call(const Context& context);
int run_voicecall_start(const Context& context);
int run_voicecall_continue(const Context& context);
int run_voicecall_speak(const Context& context);
int run_voicecall_end(const Context& context);
int run_voicecall_status(const Context& context);

// Parameters of that method ("voicecall.speak"); bad_message names what is missing.
Result<Json> voicecall_params(const std::string& method, const Arguments& given);

}  // namespace cli
