// `hardshell channels list | status | add | remove | logout`: which chat channels are configured,
// and how they stand; the begin and the end of an account.
#pragma once

#include <string>

#include "workers/cli/context.h"
#include "workers/common/base/json.h"

namespace cli {

// Of the payload of channels.status.
std::string channels_text(const Json& report, const Style& style);
// {chat: {<channel>: [account]}, auth: []}
Json channels_list_json(const Json& report);
// Of the payload of channels.logout.
std::string logout_text(const Json& answer);

// Where the configuration has `key` of that account; the error names what is wrong with --channel
// or --account. "token" is the key of the bot's token, whatever the channel calls it.
Result<std::string> account_place(const Arguments& given, const std::string& key);

int run_channels_add(const Context& context);
int run_channels_remove(const Context& context);
int run_channels_login(const Context& context);
int run_channels_list(const Context& context);
int run_channels_status(const Context& context);
int run_channels_logout(const Context& context);

}  // namespace cli
