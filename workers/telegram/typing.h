// Keeps "typing…" up in chats while the agent works on an answer.
#pragma once

#include <map>
#include <string>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/loop.h"
#include "workers/telegram/bot_api.h"

namespace telegram {

class Typing {
  public:
    Typing(Loop& loop, BotApi& api) : loop_(loop), api_(api) {}

    void show(const hardshell::proto::ShowTyping& typing);
    // A message to the chat ends it on Telegram's side anyway.
    void stop_in(const std::string& chat_id, const std::string& thread_id);

    static constexpr std::chrono::milliseconds period{5'000};  // Telegram shows it so long
    static constexpr int most_repeats = 24;                    // two minutes

  private:
    struct Shown {
        Json params;
        int left = most_repeats;
        Loop::Registration timer;
    };
    void repeat(const std::string& key);

    Loop& loop_;
    BotApi& api_;
    std::map<std::string, Shown> shown_;
};

}  // namespace telegram
