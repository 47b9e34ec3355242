// What a caller says, as words: OpenAI's realtime transcription over a WebSocket of its own.
//
// Promises: what is said while the connection is made or made again is kept and sent then, up to
// most_kept; a connection that ends is made again as the table of pauses says; who does not let us
// in is not asked twice; neither is who fails twice in a row to write down what was said, or does
// not confirm the session in time. Then, and when it cannot be reached at all, failed() is called,
// once.
//
// platform.openai.com/docs/guides/realtime-transcription
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "workers/common/websocket_client.h"
#include "workers/voice/settings.h"

namespace voice {

class Transcriber final : private WebSocketReceiver {
  public:
    struct Handlers {
        std::function<void()> speech_started;
        // What was said from one silence to the next; never empty.
        std::function<void(const std::string& words)> heard;
        // The last call; may destroy the Transcriber.
        std::function<void(const std::string& why)> failed;
    };
    Transcriber(Loop& loop, WebSocketClient& client, const Streaming& settings, Handlers handlers);

    void start();
    // Mu-law of 8 kHz, in base64.
    void take(std::string_view sound);

    static constexpr std::chrono::milliseconds connect_timeout{10'000};
    static constexpr size_t most_kept = 128 * 1024;  // of base64: 12 seconds

  private:
    void websocket_opened() override;
    void websocket_message(std::string_view message, bool is_binary) override;
    void websocket_ended(const WebSocketEnd& end) override;
    void open();
    void send_kept();
    void fail(const std::string& why);
    bool may_try_again(const WebSocketEnd& end) const;

    Loop& loop_;
    WebSocketClient& client_;
    const Streaming& settings_;
    Handlers handlers_;
    std::unique_ptr<WebSocket> socket_;
    bool is_open_ = false;
    bool is_confirmed_ = false;  // the session is as we asked for
    bool was_confirmed_ = false;
    size_t tries_ = 0;  // in vain, since it was last confirmed
    std::deque<std::string> kept_;
    size_t kept_size_ = 0;
    int failures_ = 0;  // to write down what was said, since it last succeeded
    Loop::Registration pause_;
    Loop::Registration confirmation_;  // by then it has to come
};

// What is sent first, and then for each piece of sound.
std::string session_update(const Streaming& settings);
std::string sound_append(std::string_view sound);

}  // namespace voice
