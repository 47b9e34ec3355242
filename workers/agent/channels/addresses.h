// Where a message goes, in the words of owners and session entries: "telegram:-100123:topic:42",
// "user:555", "channel:300". Pure.
#pragma once

#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/agent/channels/account.h"
#include "workers/common/base/result.h"

namespace agent {

// A place and the account through which it is reached.
struct Address {
    ChannelAccount account;
    hardshell::proto::Place place;
};

// What "to" means on a channel; `thread` may be empty. bad_message with what is possible.
Result<hardshell::proto::Place> place_for(const std::string& channel, const std::string& to,
                                          const std::string& thread);
// The "to" of a place, such that place_for() finds it again.
std::string address_text(const std::string& channel, const hardshell::proto::Place& place,
                         const hardshell::proto::Person& sender);
// Who wrote, as session entries have it ("telegram:555", "discord:channel:300").
std::string origin_text(const std::string& channel, const hardshell::proto::Place& place,
                        const hardshell::proto::Person& sender);

// Notes in a session's entry where its next answer goes; whether anything changed.
bool remember_route(Json& entry, const ChannelAccount& account,
                    const hardshell::proto::Place& place, const hardshell::proto::Person& sender);
// What is noted there; bad_message when nothing is.
Result<Address> remembered_route(const Json& entry);

}  // namespace agent
