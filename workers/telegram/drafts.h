// Shows answers while they grow: a message that is edited, or, in a private chat with topics, the
// draft that Telegram has for it. At most one request per draft is under way, and not many a
// second; nothing while Telegram is asked as often as it likes already.
//
// Best effort: the first refusal ends a draft, never the answer. Which message shows one is known
// to the next process, too (draft_record): the answer takes its place.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/loop.h"
#include "workers/telegram/addressing.h"
#include "workers/telegram/bot_api.h"
#include "workers/telegram/draft_record.h"
#include "workers/telegram/pace.h"
#include "workers/telegram/settings.h"

namespace telegram {

class Drafts {
  public:
    Drafts(Loop& loop, BotApi& api, Pace& pace, const Settings& settings, const Bot& bot,
           DraftRecord record);
    Drafts(const Drafts&) = delete;
    Drafts& operator=(const Drafts&) = delete;

    void show(const hardshell::proto::ShowDraft& draft);
    // The draft becomes its message: nothing is shown of it any more. Calls back, now or when the
    // request under way has ended, with the id of the message that shows it, or an empty one. Asked
    // once more meanwhile, the last one has that message, the others are called with none.
    void finish(const std::string& draft_id, std::function<void(const std::string&)> with);
    // Its message could not be sent yet after all, and will still take that message's place.
    void keep(const std::string& draft_id, const hardshell::proto::Place& place,
              const std::string& message_id);
    // Its message is the answer now, or is gone.
    void over(const std::string& draft_id) { record_.forget(draft_id); }
    // Whether a message shows it, and is not known to be anything else: it can be made the answer
    // more than once without harm.
    bool has_message(const std::string& draft_id) const {
        return record_.find(draft_id).has_value();
    }
    size_t size() const { return drafts_.size(); }

    static constexpr std::chrono::milliseconds edit_pause{1'000};
    static constexpr std::chrono::milliseconds native_pause{300};
    static constexpr std::chrono::minutes forgotten_after{10};
    static constexpr std::chrono::milliseconds remove_again{1'000};
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
    void remove(const std::string& id, int tries);

    Loop& loop_;
    BotApi& api_;
    Pace& pace_;
    const Settings& settings_;
    const Bot& bot_;
    DraftRecord record_;
    int64_t last_native_id_ = 0;
    std::map<std::string, Draft> drafts_;
    std::map<std::string, Loop::Registration> removals_;  // that are to be tried again
};

}  // namespace telegram
