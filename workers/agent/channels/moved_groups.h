// Groups that have another id now (Telegram: they became supergroups): what the owner says about
// the old one, rules and bindings, holds for the new one, too, from the moment that is known.
//
// Promises that it holds in every later process as long as the file has the old id: the moves are
// kept as notes. What the owner says about the new id goes before it, and the old one keeps what it
// had, so that no place is given less strict rules than its owner gave it.
#pragma once

#include <string>

#include "workers/agent/agent_config.h"
#include "workers/agent/channels/account.h"
#include "workers/agent/session_store.h"

namespace agent {

class MovedGroups {
  public:
    MovedGroups(SessionStore& store, AgentConfig& config) : store_(store), config_(config) {}

    // Takes up what earlier processes were told; before anybody asks the configuration.
    Done recover();
    // May be told more than once; what counts is the first: a group moves once.
    void moved(const ChannelAccount& account, const std::string& from, const std::string& to);

    static constexpr const char* note_prefix = "group-moved/";

  private:
    SessionStore& store_;
    AgentConfig& config_;
};

// False: nothing is said about the old id, or about the new one already.
bool follow_group(Json& config, const ChannelAccount& account, const std::string& from,
                  const std::string& to);

}  // namespace agent
