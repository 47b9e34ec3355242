// TABLE of the channels' tokens, and where an account's is found.
//
// Never puts a token into a message.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"
#include "workers/planner/secrets.h"

namespace planner {

struct ChannelToken {
    std::string_view channel;
    const char* shown;  // what clients call its source
    const char* key;
    const char* file_key;       // of a key that names a file; empty: none
    std::string_view variable;  // for the default account
};
std::span<const ChannelToken> channel_tokens();

inline constexpr const char* default_account = "default";

// An account's section, before the channel's own for the default account.
struct AccountSections {
    const Json& account;
    const Json& channel;
    bool is_default;
};

// "config", "tokenFile", "env", "none"
std::string token_source(const ChannelToken& token, const AccountSections& sections,
                         const Environment& environment);

// Its value, under the name that the account's worker knows ("channels.telegram.botToken" for any
// account). Without a value: why, in a sentence that names variable and keys.
struct TokenSearch {
    std::optional<FoundSecret> found;
    std::string why_not;
};
TokenSearch find_token(const ChannelToken& token, const std::string& account,
                       const AccountSections& sections, const Environment& environment,
                       const std::string& config_path);

}  // namespace planner
