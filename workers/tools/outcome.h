// What a tool's call comes to.
#pragma once

#include <string>

#include "workers/common/base/json.h"

namespace tools {

struct Outcome {
    Json content = Json::array();  // what the model is shown
    Json details;                  // for clients and the transcript; null: none
    bool is_error = false;
};

Outcome text_outcome(std::string text, Json details = nullptr);
Outcome error_outcome(std::string text, Json details = nullptr);

}  // namespace tools
