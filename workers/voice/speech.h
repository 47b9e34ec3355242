// Words to sound for the telephone, by OpenAI's speech interface; the sound comes while it is made.
//
// Promises that every wish ends, in order or with the reason; destroying it cancels what is asked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

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
    Speech(HttpsClient& client, const Streaming& settings, Handlers handlers);

    // One at a time: after ended().
    void say(const std::string& words);
    void cancel() { call_.reset(); }
    bool is_busy() const { return call_ != nullptr; }

    static constexpr std::chrono::milliseconds longest{60'000};
    static constexpr size_t most_bytes = 32u << 20;  // ten minutes of speech

  private:
    void end(const HttpsOutcome& outcome);

    HttpsClient& client_;
    const Streaming& settings_;
    Handlers handlers_;
    TelephoneSound sound_;
    bool has_sound_ = false;
    std::unique_ptr<HttpsCall> call_;
};

}  // namespace voice
