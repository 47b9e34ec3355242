// `hardshell message send`: a text to somebody on a chat channel, through the running gateway.
#pragma once

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// Parameters of `send`; bad_message names what is missing.
Result<Json> send_params(const Arguments& given, const std::string& idempotency_key);

int run_message_send(const Context& context);

}  // namespace cli
