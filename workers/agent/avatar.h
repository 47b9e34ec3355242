// An agent's picture as its identity names it: an address, an image file of its workspace, or no
// picture at all but a letter or an emoji.
#pragma once

#include <string>

#include "workers/agent/agent_config.h"

namespace agent {

inline constexpr size_t largest_avatar = 2u << 20;  // bytes

struct Avatar {
    std::string url;   // http:, https: or data:
    std::string file;  // in the workspace
    std::string mime_type;
};
// Pure: whether the file is there shows when it is read.
Avatar avatar_of(const Identity& identity, const AgentEntry& agent);

std::string base64_of(std::string_view bytes);

}  // namespace agent
