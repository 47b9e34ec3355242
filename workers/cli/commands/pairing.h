// `hardshell pairing list | approve`: who asks to write to the assistant on a chat channel.
//
// The requests and the list of those let in are files that a channel's worker and the stock command
// line share, each under the stock lock; so they are changed here as OpenClaw's command line does.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// The requests that have not expired.
Json pending_requests(const Json& file, int64_t now_ms);
std::string pairing_text(const std::string& channel, const Json& requests, const Style& style,
                         int64_t now_ms);
// "2026-01-30T10:00:00.000Z"; nothing that can be read is 0.
int64_t read_iso_time(const std::string& text);

int run_pairing_list(const Context& context);
int run_pairing_approve(const Context& context);

}  // namespace cli
