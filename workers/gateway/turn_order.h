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
    // {type, mimeType, content, fileName?} each, or {type, url, where, fileName?}: still to be
    // fetched, and what to call it in an error.
    Json attachments = Json::array();
    // Functions that the client runs: {name, description, parameters} each.
    Json client_tools = Json::array();
    // Its session must be there already.
    bool continues = false;
};

}  // namespace gateway
