// The demonstration that answers while no real model is set up. It says what it is.
#pragma once

#include <string>
#include <vector>

#include "workers/agent/model_types.h"

namespace agent {

// What it answers to a conversation: what it is, what was said last, how to set up a model.
std::string demo_reply(const std::vector<Message>& messages);
// The reply in pieces of one word with the blanks that follow it.
std::vector<std::string> demo_pieces(const std::string& reply);
// The assistant message in transcript form.
Json demo_message(const std::string& reply, int64_t now_ms);

}  // namespace agent
