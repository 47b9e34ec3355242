// Puts together what a person sent as one and Telegram delivers in pieces: an album of pictures, a
// text longer than one message takes.
//
// Order is kept: what comes from a chat hands over first what of that chat is being gathered.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/common/base/loop.h"
#include "workers/telegram/update.h"

namespace telegram {

// A message, and the updates it came in.
struct Gathered {
    Message message;
    std::vector<int64_t> updates;
};

class Gatherer {
  public:
    using Handler = std::function<void(Gathered)>;
    Gatherer(Loop& loop, Handler handler);
    Gatherer(const Gatherer&) = delete;
    Gatherer& operator=(const Gatherer&) = delete;

    void take(int64_t update_id, Message message);
    // Does it when what its writer's part of the chat has gathered so far is handed over: at once,
    // as a rule.
    void after(const Message& message, std::function<void()> then);

    static constexpr std::chrono::milliseconds album_pause{500};
    static constexpr std::chrono::milliseconds text_pause{1500};
    // A person's client divides a text only when it is about as long as a message may be.
    static constexpr size_t long_text = 4000;           // UTF-16 units
    static constexpr size_t longest_gathered = 50'000;  // bytes
    static constexpr size_t most_parts = 12;

  private:
    struct Waiting {
        Gathered gathered;
        std::string album;    // empty: a long text
        int64_t last_id = 0;  // of its last message
        std::vector<std::function<void()>> then;
        Loop::Registration timer;
    };

    bool joins(const Waiting& waiting, const Message& message) const;
    void join(Waiting& waiting, int64_t update_id, Message message);
    void wait(const std::string& chat, Waiting& waiting);
    void release(const std::string& chat);

    Loop& loop_;
    Handler handler_;
    std::map<std::string, Waiting> waiting_;  // by chat and writer
};

}  // namespace telegram
