// Updates that Telegram sends by itself, handed on from the public port.
//
// Promises: nothing of a request is looked at before its secret header is known to be right, and
// that is compared in constant time; Telegram is answered 200 only when the agent has what the
// update brought, so that it sends again what got lost.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/secret.h"
#include "workers/telegram/bot_api.h"
#include "workers/telegram/update.h"

namespace telegram {

class Webhook {
  public:
    struct Handlers {
        std::function<void(const Update&)> update;  // settle() it, now or later
        std::function<void()> connected;
        std::function<void(const std::string& why)> disconnected;
        std::function<void(const Error&)> fatal;
    };
    // An HTTP status for Telegram.
    using Answer = std::function<void(int status)>;

    // An empty `url`: there is none yet.
    Webhook(Loop& loop, BotApi& api, std::string url, Secret secret, Handlers handlers);

    // bad_config: the secret is missing, or Telegram would not take it. Without one anybody could
    // speak for anybody.
    Done check() const;
    // Tells Telegram where to send.
    void start();
    // From now on it is there; empty: nowhere for now.
    void move_to(std::string url);
    // The headers have come: false means 401, and that the body must not be read.
    bool is_from_telegram(std::string_view secret_header) const;
    // A whole request whose header was right.
    void take(std::string_view body, Answer answer);
    void settle(int64_t update_id);

    // As webhookUrl: whatever address the tunnel has.
    static constexpr const char* by_tunnel = "tunnel";
    static constexpr const char* secret_header = "x-telegram-bot-api-secret-token";
    static constexpr size_t largest_body = 1 << 20;
    // Telegram waits that long for an answer, and sends again.
    static constexpr std::chrono::seconds longest_wait{50};
    static constexpr size_t most_waiting = 100;
    static constexpr size_t most_known = 2'000;

  private:
    struct Waiting {
        std::vector<Answer> answers;
        Loop::Registration timer;
    };
    void answered(const std::string& url, const ApiAnswer& answer);
    void give_up(int64_t update_id);

    Loop& loop_;
    BotApi& api_;
    std::string url_;
    bool is_being_told_ = false;
    Secret secret_;
    Handlers handlers_;
    std::map<int64_t, Waiting> waiting_;
    std::vector<int64_t> done_;  // a ring of the last ones
    size_t next_done_ = 0;
    Loop::Registration again_;
};

}  // namespace telegram
