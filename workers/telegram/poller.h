// Asks Telegram for updates, by long polling, and tells it how far all is done.
//
// Promises: an update is handed over once per process, and confirmed to Telegram only after it and
// all before it are settled; the offset is on the disk before Telegram is told. One request at a
// time. However Telegram or the network behaves, the waits between requests grow.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "workers/common/base/loop.h"
#include "workers/telegram/backoff.h"
#include "workers/telegram/bot_api.h"
#include "workers/telegram/offset_file.h"
#include "workers/telegram/update.h"
#include "workers/telegram/update_ledger.h"

namespace telegram {

class Poller {
  public:
    struct Handlers {
        std::function<void(const Update&)> update;  // settle() it, now or later
        std::function<void()> connected;
        std::function<void(const std::string& why)> disconnected;
        std::function<void(const Error&)> fatal;  // nothing but the owner can help
    };

    Poller(Loop& loop, BotApi& api, OffsetFile file, Handlers handlers);
    ~Poller();

    void start();
    void settle(int64_t update_id);
    // The machine stood still: nobody answers on the connection there is, and what was waited for
    // is over.
    void machine_slept();
    // No more updates; `done` when Telegram knows how far all is done, or cannot be told.
    void stop(std::function<void()> done);

    static constexpr std::chrono::seconds poll_time{30};
    // Beyond that the connection is dead, whatever it says.
    static constexpr std::chrono::seconds poll_timeout{45};
    static constexpr size_t most_open = 100;  // of one getUpdates

  private:
    enum class Stage { idle, clearing_webhook, polling, waiting, stopped };

    void clear_webhook();
    void webhook_cleared(const ApiAnswer& answer);
    void poll();
    void answered(const ApiAnswer& answer);
    struct Taken {
        bool has_news = false;
        bool unreadable = false;  // one of them
    };
    Taken take(const Json& updates);
    bool take_one(const Update& update);
    void next();
    void settled();
    void save();
    void failed(const ApiFailure& failure);
    void conflict(const ApiFailure& failure);
    void again_after(std::chrono::milliseconds wait, void (Poller::*what)());
    void forget_if_numbered_anew();
    Json parameters(std::chrono::seconds time) const;

    Loop& loop_;
    BotApi& api_;
    OffsetFile file_;
    Handlers handlers_;
    Stage stage_ = Stage::idle;
    UpdateLedger ledger_;
    std::optional<int64_t> saved_;
    // Of an OpenClaw that did not say for which bot: passed over while they come close to it.
    std::optional<int64_t> passed_over_;
    int64_t last_update_ms_ = 0;  // on the clock that runs on while the machine sleeps
    int64_t asked_ms_ = 0;        // monotonic, of a long poll; 0: it is none
    bool is_connected_ = false;
    bool save_failed_ = false;
    bool settling_ = false;
    BotApi::CallId call_ = 0;
    Backoff errors_{std::chrono::seconds(1), std::chrono::seconds(30), 2};
    Backoff conflicts_{std::chrono::seconds(2), std::chrono::seconds(40), 2.5};
    // While something is open: Telegram answers at once with what is open already.
    Backoff peeks_{std::chrono::milliseconds(250), std::chrono::seconds(4), 1.6};
    Loop::Registration timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with the loop's tasks
};

}  // namespace telegram
