// Makes the records of messages to people. Pure but for their ids.
#pragma once

#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/agent/channels/account.h"
#include "workers/agent/channels/channel_store.h"
#include "workers/agent/ids.h"

namespace agent {

struct Delivery {
    ChannelAccount account;
    hardshell::proto::Place place;
    std::string text;
    std::string reply_to_id;
    std::string draft_id;
    bool is_notice = false;
    bool silent = false;
    std::vector<hardshell::proto::Attachment> files;
    SessionKey session;  // whose conversation it is part of; may be empty
    std::string origin;  // the run or request
};

OutboundRow outbound_row(const Delivery& delivery, int64_t now_ms);
// Messages to one of these go one after another.
std::string chat_of(const hardshell::proto::Place& place);
// Short enough for a platform's nonce with a part's number behind it.
std::string new_delivery_id();

}  // namespace agent
