// `hardshell channels list | status`: which chat channels are configured, and how they stand.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// Of the payload of channels.status.
std::string channels_text(const Json& report, const Style& style);
// {chat: {<channel>: [account]}, auth: []}
Json channels_list_json(const Json& report);

int run_channels_list(const Context& context);
int run_channels_status(const Context& context);

}  // namespace cli
