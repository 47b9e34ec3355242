// What the agent and its clients are told about the account; told when it changes, and for what
// happens often at most once a second.
#pragma once

#include <string>

#include "workers/common/channel/agent_link.h"
#include "workers/telegram/addressing.h"

namespace telegram {

class AccountStatus {
  public:
    AccountStatus(Loop& loop, channel::AgentLink& agent, const std::string& mode);

    void started_as(const Bot& bot);
    void connected();
    void disconnected(const std::string& why);
    void took_one();
    void sent_one();
    bool is_connected() const { return status_.connected(); }

  private:
    void tell();
    void tell_soon();

    Loop& loop_;
    channel::AgentLink& agent_;
    hardshell::proto::AccountStatus status_;
    Loop::Registration soon_;
};

}  // namespace telegram
