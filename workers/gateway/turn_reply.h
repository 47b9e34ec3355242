// The answer to an HTTP request that a turn of the agent gives: whole, or as server-sent events
// while it is being written. A client that leaves ends nothing: the turn goes on, and its answer is
// in the session.
#pragma once

#include <memory>
#include <string>

#include "workers/common/base/loop.h"
#include "workers/gateway/agent_turns.h"
#include "workers/gateway/http_reply.h"
#include "workers/gateway/turn_stream.h"

namespace gateway {

class TurnReply final : public TurnListener {
  public:
    // Proxies end a connection on which nothing comes for a minute.
    static constexpr std::chrono::milliseconds silence{15'000};

    TurnReply(Loop& loop, std::shared_ptr<HttpReply> reply, std::unique_ptr<TurnFormat> format,
              bool streams);

    void accepted() override;
    void text_is(std::string_view whole) override;
    void ended(const TurnEnd& end) override;

  private:
    // Shared by the reply, which may outlive this, and this.
    struct Stream {
        std::unique_ptr<TurnFormat> format;
        TurnStream source;
        explicit Stream(std::unique_ptr<TurnFormat> made)
            : format(std::move(made)), source(*format) {}
    };
    Loop& loop_;
    std::shared_ptr<HttpReply> reply_;
    std::shared_ptr<Stream> stream_;
    bool streams_;
    Loop::Registration comments_;
};

}  // namespace gateway
