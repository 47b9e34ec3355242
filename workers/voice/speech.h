// Words to sound for the telephone, by OpenAI's speech interface; the sound comes while it is made.
//
// Promises that every wish ends, in order or with the reason; who says that it is busy is asked
// once more, a moment later; destroying it cancels what is asked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "workers/common/base/loop.h"
#include "workers/common/https_client.h"
#include "workers/voice/audio.h"
#include "workers/voice/settings.h"

namespace voice {

class Speech {
  public:
    struct Handlers {
        std::function<void(std::string_view mulaw)> sound;
        // The last call: all of it was given, or the reason why not. May destroy the Speech.
        std::function<void(const Done& done)> ended;
    };
    Speech(Loop& loop, HttpsClient& client, const Streaming& settings, Handlers handlers);

    // One at a time: after ended().
    void say(const std::string& words);
    void cancel();
    bool is_busy() const { return call_ != nullptr || pause_; }

    static constexpr std::chrono::milliseconds longest{60'000};
    static constexpr size_t most_bytes = 32u << 20;  // ten minutes of speech
    // The caller waits: not longer than one takes for a breath.
    static constexpr std::chrono::milliseconds retry_pause{500};

  private:
    void ask();
    void ask_later(const std::string& why);
    void end(const HttpsOutcome& outcome);

    Loop& loop_;
    HttpsClient& client_;
    const Streaming& settings_;
    Handlers handlers_;
    std::string words_;
    bool may_ask_again_ = false;
    TelephoneSound sound_;
    bool has_sound_ = false;
    std::unique_ptr<HttpsCall> call_;
    Loop::Registration pause_;  // before it is asked again
};

}  // namespace voice
