// Messages from channels into the journal.
//
// Promises that a message is accepted only when it is on the disk, many with one commit; that one
// that was accepted before is accepted again and handled once. While the disk takes nothing, the
// messages wait here, no more than the channels offer at once.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/agent/channels/channel_store.h"
#include "workers/common/base/loop.h"

namespace agent {

class Inbox {
  public:
    struct Services {
        Loop& loop;
        ChannelStore& store;
        std::function<int64_t()> now_ms;
        std::function<Done(const std::string& worker, const hardshell::proto::AgentToChannel&)>
            send;
        // How many may be handed on now: what is not taken is offered again by its channel.
        std::function<bool()> has_room;
        std::function<void(std::vector<InboundRow>)> take;  // those that are new
    };
    explicit Inbox(Services services);
    ~Inbox();

    void offered(const std::string& worker, const hardshell::proto::InboundMessage& message);
    // The account's process is a new one, or a new link: it offers everything again.
    void forget(const std::string& worker);

    static constexpr size_t most_pending = 256;

  private:
    void plan_commit();
    void commit();
    void accept(const InboundRow& row);

    Services services_;
    std::vector<InboundRow> pending_;
    bool planned_ = false;
    std::string trouble_;  // last said
    Loop::Registration retry_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with tasks of the loop
};

}  // namespace agent
