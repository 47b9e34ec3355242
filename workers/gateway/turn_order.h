// What is asked of the agent when a turn is started over HTTP.
#pragma once

#include <cstdint>
#include <string>

#include "workers/common/base/json.h"

namespace gateway {

struct TurnOrder {
    std::string run_id;
    std::string message;
    std::string session_key;
    std::string agent_id;  // empty: the session's, or the default one
    std::string extra_system;
    std::string thinking;
    int64_t timeout_s = 0;  // 0: the configured one
    Json attachments = Json::array();
};

}  // namespace gateway
