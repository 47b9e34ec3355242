// A message of the gateway as JSON, without what this worker never looks at: a large server's
// greeting is megabytes of members and emojis. Pure.
#pragma once

#include <string_view>

#include "workers/common/base/json.h"

namespace discord {

enum class Opcode {
    dispatch = 0,
    heartbeat = 1,
    identify = 2,
    resume = 6,
    reconnect = 7,
    invalid_session = 9,
    hello = 10,
    heartbeat_ack = 11,
};

// bad_message when it is no JSON object, or nested too deeply.
Result<Json> parse_gateway_payload(std::string_view text);

}  // namespace discord
