// Where Telegram's requests arrive, handed on from the public port: the secret header is looked at
// first, then the body is read, then the update is taken.
#pragma once

#include <vector>

#include "workers/common/routes/route_server.h"
#include "workers/telegram/webhook.h"

namespace telegram {

class WebhookRequests {
  public:
    // Takes over the listening sockets; begins at once.
    WebhookRequests(Loop& loop, const std::vector<int>& listeners, Webhook& webhook);
    // Nothing more is taken; who waits for an answer gets it.
    void stop() { server_.stop_taking(); }
    size_t open() const { return server_.open(); }

  private:
    void receive(const RequestHead& head, const RouteCall& call);
    void remark_forgery();

    Webhook& webhook_;
    int64_t remarked_ms_ = -60'000;  // monotonic
    uint64_t forged_ = 0;            // since the last remark
    RouteServer server_;
};

}  // namespace telegram
