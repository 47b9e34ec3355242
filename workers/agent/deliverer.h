// How an answer reaches a person on a channel, for those who do not care how.
#pragma once

#include <functional>
#include <string>

#include "workers/agent/ids.h"
#include "workers/common/base/result.h"

namespace agent {

// Where somebody wants an answer to go. Empty members are filled in: "last" is where the session's
// person wrote last.
struct DeliveryWish {
    std::string channel = "last";
    std::string to;
    std::string account;
    std::string thread;
    SessionKey session;
};

// What came of it, once that is known.
struct DeliveryOutcome {
    std::string state;  // "sent", "refused", "unknown", "expired"
    std::string reason;
    std::string channel;
    std::string chat_id;
    std::string platform_id;

    bool is_sent() const { return state == "sent"; }
};

class Deliverer {
  public:
    virtual ~Deliverer() = default;
    // The wish with nothing left open. bad_message with what is missing, unreachable when the
    // account does not run here.
    virtual Result<DeliveryWish> resolve(DeliveryWish wish) = 0;
    // Durable when it returns: it goes out, be it by a later process. A second call of the same
    // origin is the first one. `settled` may be empty.
    virtual Done deliver(const DeliveryWish& resolved, const std::string& text,
                         const std::string& origin,
                         std::function<void(const DeliveryOutcome&)> settled) = 0;
};

}  // namespace agent
