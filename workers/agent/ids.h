// Names that come from outside and end up in a path or a key, and the making of new ones.
//
// Promises that whatever `is_…` accepts is one path component without dots at its start, and that
// a canonical session key is lower case and names its agent.
#pragma once

#include <string>
#include <string_view>

#include "workers/common/base/agent_list.h"
#include "workers/common/base/result.h"

namespace agent {

// [a-z0-9][a-z0-9_-]{0,63}
bool is_agent_id(std::string_view text);
// [A-Za-z0-9][A-Za-z0-9._-]{0,127}
bool is_session_id(std::string_view text);

// A random UUID, version 4.
std::string new_session_id();
// Eight hexadecimal digits.
std::string new_entry_id();

// Where a session belongs: the agent and the key under which it is stored.
struct SessionKey {
    std::string agent;
    std::string key;
    auto operator<=>(const SessionKey&) const = default;
};

struct KeyDefaults {
    std::string agent = "main";  // the default agent
    bool global = false;         // session.scope is "global": the main key is "global"
};

// "main", "x", "agent:a", "agent:a:x" in any case to the stored form. bad_message when empty, too
// long or with control characters.
Result<SessionKey> canonical_key(std::string_view spelling, const KeyDefaults& defaults);
// The key of an agent's main session.
std::string main_key(std::string_view agent, const KeyDefaults& defaults);
// "direct", "group", "global" or "unknown"; `chat_type` is the entry's own, may be empty.
const char* session_kind(std::string_view key, std::string_view chat_type);

std::string lower_case(std::string_view text);
std::string_view trimmed(std::string_view text);

}  // namespace agent
