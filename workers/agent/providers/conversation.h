// A transcript's messages as every provider accepts them.
//
// Empty text is dropped, messages of one role in a row become one, a tool call without a result
// gets one that says so, a result without a call is dropped, and what only another model can read
// is left out. A transcript that a crash cut short is therefore still answered.
#pragma once

#include <string>
#include <vector>

#include "workers/agent/providers/model.h"

namespace agent {

struct Turn {
    enum class Role { user, assistant, tool_results };
    Role role = Role::user;
    // user: text, image. assistant: text, thinking, redacted_thinking, toolCall.
    // tool_results: {type:"toolResult", toolCallId, toolName, content:[text, image], isError}.
    std::vector<Json> blocks;
};

// Begins with a user's turn; a turn is never empty.
std::vector<Turn> normalised(const std::vector<Json>& messages, const Model& model);

// The text blocks of a list, joined by line feeds.
std::string joined_text(const Json& blocks);
// "data:image/png;base64,…" of an image block.
std::string image_data_url(const Json& image);
// At most 64 characters of [A-Za-z0-9_-], the same for the same id.
std::string safe_call_id(const std::string& id);

}  // namespace agent
