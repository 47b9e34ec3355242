// `hardshell devices`: who is paired, who asks to be, and their tokens.
//
// Without an address or credential it goes over the control socket, so that the owner of the
// machine can always approve the first device: in `fly ssh console`, too, and whatever the public
// port thinks of his address. With --url, --token or --password it is a client like any other.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

int run_devices_list(const Context& context);
int run_devices_approve(const Context& context);
int run_devices_reject(const Context& context);
int run_devices_rotate(const Context& context);
int run_devices_revoke(const Context& context);

// For people; `now_ms` tells how long a request has waited.
std::string devices_text(const Json& list, const Style& style, int64_t now_ms);
// The request that asked last; empty when none waits.
std::string latest_request(const Json& list);

}  // namespace cli
