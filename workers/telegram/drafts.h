// Shows answers while they grow: a message that is edited, or, in a private chat with topics, the
// draft that Telegram has for it. At most one request per draft is under way, and not many a
// second; nothing while Telegram is asked as often as it likes already.
//
// Best effort: the first refusal ends a draft, never the answer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/loop.h"
#include "workers/telegram/addressing.h"
#include "workers/telegram/bot_api.h"
#include "workers/telegram/pace.h"
#include "workers/telegram/settings.h"

namespace telegram {

class Drafts {
  public:
    Drafts(Loop& loop, BotApi& api, Pace& pace, const Settings& settings, const Bot& bot);
    Drafts(const Drafts&) = delete;
    Drafts& operator=(const Drafts&) = delete;

    void show(const hardshell::proto::ShowDraft& draft);
    // The draft becomes its message: nothing is shown of it any more. Calls back, now or when the
    // request under way has ended, with the id of the message that shows it, or an empty one.
    void finish(const std::string& draft_id, std::function<void(const std::string&)> with);
    // Its message could not be sent yet after all, and will still take that message's place.
    void keep(const std::string& draft_id, const hardshell::proto::Place& place,
              const std::string& message_id);
    size_t size() const { return drafts_.size(); }

    static constexpr std::chrono::milliseconds edit_pause{1'000};
    static constexpr std::chrono::milliseconds native_pause{300};
    static constexpr std::chrono::minutes forgotten_after{10};
    static constexpr size_t most = 64;
    static constexpr size_t fewest_units = 30;  // a notification with less says nothing

  private:
    struct Draft {
        hardshell::proto::ShowDraft wanted;
        std::string shown;  // the text that Telegram has
        std::string message_id;
        bool is_native = false;
        bool is_over = false;
        bool is_asking = false;
        int64_t native_id = 0;
        std::function<void(const std::string&)> finishing;
        Loop::Registration timer;
        Loop::Registration forgotten;
    };

    bool is_shown_in(const hardshell::proto::Place& place) const;
    void update(const std::string& id);
    void update_after(const std::string& id, Draft& draft, std::chrono::milliseconds wait);
    void send(const std::string& id, Draft& draft);
    void answered(const std::string& id, const ApiAnswer& answer);
    void end(const std::string& id);

    Loop& loop_;
    BotApi& api_;
    Pace& pace_;
    const Settings& settings_;
    const Bot& bot_;
    int64_t last_native_id_ = 0;
    std::map<std::string, Draft> drafts_;
};

}  // namespace telegram
