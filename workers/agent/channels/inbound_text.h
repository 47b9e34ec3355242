// What a person wrote on a channel, as the model is shown it: the envelope line, what it replies
// to, what was said before, files. Pure.
#pragma once

#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/agent/channels/account.h"
#include "workers/common/base/json.h"

namespace agent {

struct EnvelopeStyle {
    bool timestamp = true;
    bool elapsed = true;
    bool utc = false;  // else the process's own zone
};
// agents.defaults.envelope…
EnvelopeStyle envelope_style(const Json& config);

struct EnvelopeTimes {
    int64_t sent_ms = 0;
    int64_t previous_ms = 0;  // the session's last activity; 0: none
};

// "[Telegram Ann id:555 +2m 2026-01-30 10:00 UTC] hello" and what goes with it.
std::string inbound_text(const ChannelAccount& account,
                         const hardshell::proto::InboundMessage& message,
                         const EnvelopeStyle& style, const EnvelopeTimes& times);
// What a channel's turn is told beside the message: how to answer there, whether it is a group, and
// what the owner set there.
std::string channel_prompt(const ChannelAccount& account,
                           const hardshell::proto::InboundMessage& message);

}  // namespace agent
