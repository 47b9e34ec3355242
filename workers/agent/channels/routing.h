// Who answers a message, and in which session: bindings, direct-message scopes, keys. Pure.
//
// Differs from OpenClaw in one point: a binding of a chat covers its threads and topics, unless one
// of the thread's own stands beside it.
#pragma once

#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/agent/agent_config.h"
#include "workers/agent/channels/account.h"

namespace agent {

struct Route {
    std::string agent;
    SessionKey session;
    std::string matched_by;  // "binding.peer", "binding.account", "default", …
    // Of a thread: the session of what it hangs on, whose conversation it begins with; may be
    // empty.
    SessionKey parent = {};
};

Route route_of(const AgentConfig& config, const ChannelAccount& account,
               const hardshell::proto::Place& place, const hardshell::proto::Person& sender);

// Whether a binding is for that group, as messages of that account's.
bool binds_group(const Json& binding, const ChannelAccount& account, const std::string& chat_id);

// What bindings and session keys call the other side: a person's id, a chat's, a thread's.
std::string peer_id(const hardshell::proto::Place& place, const hardshell::proto::Person& sender);
// "dm", "group", "channel"
const char* peer_kind(const hardshell::proto::Place& place);

}  // namespace agent
