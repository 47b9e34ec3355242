// What clients may know about the configured channels: which accounts there are, whether each is
// enabled and has its credentials, and from where. No secret. Told to the agent, and by it to the
// gateway.
#pragma once

#include "workers/common/base/json.h"
#include "workers/planner/environment.h"

namespace planner {

// {"<channel>": {defaultAccount, accounts: {"<account>": {name?, enabled, configured, tokenSource,
// mode?}}}}, without channels that nobody asked for.
Json channel_summary(const Json& config, const Environment& environment);

// Takes a channel's token out of a configuration. {channel, accountId, cleared}, and whether the
// account has none left: {loggedOut, envToken}.
struct Logout {
    Json config;  // without it
    Json payload;
};
Logout log_out(Json config, const std::string& channel, const std::string& account,
               const Environment& environment);

}  // namespace planner
