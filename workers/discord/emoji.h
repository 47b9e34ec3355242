// Reactions as the API addresses them.
#pragma once

#include <string>
#include <string_view>

#include "workers/discord/rest.h"

namespace discord {

// As part of a path: percent-encoded, every byte that is no letter or digit.
std::string path_text(std::string_view text);
// `emoji` is one character ("👍") or a server's own ("name:id", "<:name:id>").
// PUT adds the bot's reaction, DELETE takes it away.
RestRequest reaction_request(const std::string& method, const std::string& channel_id,
                             const std::string& message_id, std::string_view emoji);

}  // namespace discord
