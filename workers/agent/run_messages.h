// Pieces of messages that a run writes and tells, and of sessions' entries that it reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/agent/model_types.h"
#include "workers/common/base/json.h"

namespace agent {

// One text block, none when the text is empty.
Json text_content(const std::string& text);
// The lines of system events above a user's message.
void put_above(const std::string& events, Json& message);
// An answer as events carry it.
Json chat_message(const std::string& text, int64_t now_ms);
// The newest message of the user with documents for this turn; none: all stays as it is.
void add_documents(const Json& documents, std::vector<Message>& messages);
// Bytes of the base64 text that all but makes them up.
size_t size_of_documents(const Json& documents);
// Left free of the conversation for documents of so many bytes (base64): an estimate, and no more
// than half of the room.
int64_t tokens_of_documents(size_t bytes, int64_t room_tokens);
// The model that a person has chosen for the session; empty: none.
std::string wanted_model(const Json& entry);

}  // namespace agent
