// What was chosen for groups about when they are answered ("/activation", sessions.patch), for the
// channels, whose gates obey it.
//
// Promises that a change is told to its channel whoever made it, stock tools included, and that a
// session's choice reaches those accounts alone whose messages from there come to that session.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/agent/agent_config.h"
#include "workers/agent/channels/account.h"
#include "workers/agent/session_store.h"
#include "workers/common/base/loop.h"

namespace agent {

class Activations {
  public:
    // `changed`: what that channel's accounts are to know is another now.
    Activations(Loop& loop, SessionStore& store, const AgentConfig& config,
                std::function<void(const std::string& channel)> changed);
    ~Activations();

    Done start();
    hardshell::proto::GroupActivations of(const ChannelAccount& account) const;

  private:
    struct Choice {
        std::string channel;
        hardshell::proto::Place place;
        bool needs_mention = true;
        bool operator==(const Choice& other) const {
            return needs_mention == other.needs_mention &&
                   place.SerializeAsString() == other.place.SerializeAsString();
        }
    };
    using Choices = std::map<SessionKey, Choice>;

    static void add(const Session& session, Choices& choices);
    void heard(const SessionStore::Change& change);
    void look();
    Done look_at_all(std::set<std::string>& channels);
    Done look_at(const SessionKey& key, std::set<std::string>& channels);

    Loop& loop_;
    SessionStore& store_;
    const AgentConfig& config_;
    std::function<void(const std::string& channel)> changed_;
    SessionStore::Listener listener_;
    Choices choices_;
    // What changed since the last look.
    std::set<SessionKey> touched_;
    bool all_touched_ = false;
    bool look_planned_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
