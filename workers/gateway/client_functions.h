// Functions that a client offers the model (`tools` and `tool_choice` of responses): it runs them
// itself and comes back with what they come to. Pure.
#pragma once

#include <string>

#include "workers/common/base/json.h"
#include "workers/common/base/result.h"

namespace gateway {

struct ClientFunctions {
    static constexpr size_t most = 128;
    static constexpr size_t longest_name = 64;  // what all providers take

    Json definitions = Json::array();  // {name, description, parameters} of those offered
    std::string instruction;           // for the model, when one of them must be called
};

// bad_message names the member that is wrong.
Result<ClientFunctions> read_client_functions(const Json& tools, const Json& choice);

}  // namespace gateway
