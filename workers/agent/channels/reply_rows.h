// A model's answer, or a part of it, made ready for the outbox: where it goes, what it answers, the
// files that it brings along.
#pragma once

#include "workers/agent/agent_config.h"
#include "workers/agent/channels/deliveries.h"
#include "workers/agent/channels/outgoing_files.h"
#include "workers/agent/channels/reply_text.h"

namespace agent {

struct ChannelTurn;

class ReplyRows {
  public:
    ReplyRows(const AgentConfig& config, OutgoingFiles& files) : config_(config), files_(files) {}

    // Without an origin. `is_first`: nothing of the answer was sent before it.
    Delivery delivery(const ChannelTurn& turn, const ChannelReply& said, bool is_first) const;

  private:
    bool quotes(const ChannelTurn& turn, const ChannelReply& reply, bool is_first) const;
    void attach(const ChannelTurn& turn, const ChannelReply& said, Delivery& delivery) const;

    const AgentConfig& config_;
    OutgoingFiles& files_;
};

// Discord shows that it waits until the command itself is answered.
bool answers_a_command(const ChannelTurn& turn);

}  // namespace agent
