// Pieces of messages that a run writes and tells.
#pragma once

#include <cstdint>
#include <string>

#include "workers/common/base/json.h"

namespace agent {

// One text block, none when the text is empty.
Json text_content(const std::string& text);
// An answer as events carry it.
Json chat_message(const std::string& text, int64_t now_ms);

}  // namespace agent
