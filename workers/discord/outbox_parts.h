// A delivery divided into what Discord takes as messages. Pure: the same delivery gives the same
// parts each time, with the same nonces.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/json.h"
#include "workers/discord/settings.h"

namespace discord {

struct Part {
    std::string text;
    std::optional<hardshell::proto::Attachment> file;
};
// The first file goes with the first piece of the text; each other one is a message of its own.
std::vector<Part> parts_of(const hardshell::proto::DeliverMessage& message,
                           const Settings& settings);

// Tables of Markdown, which Discord does not draw, as code blocks.
std::string tables_as_code(std::string_view text);

// At most 25 characters, the same for the same part: Discord drops the second message that has it.
std::string nonce_of(std::string_view delivery_id, uint32_t part);

// The first words, on one line; `fallback` where there are none.
std::string thread_name(std::string_view text, const std::string& fallback);

// The body of the message. `reply_to` is empty for none.
Json body_of(const Part& part, const std::string& nonce, const std::string& reply_to, bool silent);
// Whom a message may call: the people it names, and nobody else; never everyone.
Json allowed_mentions();

}  // namespace discord
