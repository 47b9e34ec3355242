// `hardshell pairing list | approve`: who asks to write to the assistant on a chat channel.
//
// The requests and the list of those let in are files that a channel's worker and the stock command
// line share, each under the stock lock; so they are changed here as OpenClaw's command line does.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

std::string pairing_text(const std::string& channel, const Json& requests, const Style& style,
                         int64_t now_ms);

int run_pairing_list(const Context& context);
int run_pairing_approve(const Context& context);

}  // namespace cli
