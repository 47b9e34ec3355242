// "… is typing": kept up while the assistant works, for at most two minutes.
#pragma once

#include <map>
#include <string>

#include "workers/common/base/loop.h"
#include "workers/discord/rest.h"

namespace discord {

class Typing {
  public:
    Typing(Loop& loop, Rest& rest) : loop_(loop), rest_(rest) {}

    void show(const std::string& channel_id);
    void hide(const std::string& channel_id) { shown_.erase(channel_id); }

  private:
    struct Shown {
        int left = 0;  // repetitions
        Loop::Registration timer;
    };
    void say(const std::string& channel_id);

    Loop& loop_;
    Rest& rest_;
    std::map<std::string, Shown> shown_;
};

}  // namespace discord
