// What a caller says, as words: OpenAI's realtime transcription over a WebSocket of its own.
//
// Promises: what is said while the connection is made or made again is kept and sent then, up to
// most_kept; a connection that ends is made again as the table of pauses says, and so is one that
// has answered pings and then is silent from one to the next: it is dead on the way, where TCP
// takes a quarter of an hour to notice. Who does not let us in is not asked twice, unless it says
// that it is busy: then once more; neither is who fails twice in a row to write down what was said,
// or does not confirm the session in time. Then, and when it cannot be reached at all, failed() is
// called, once.
//
// platform.openai.com/docs/guides/realtime-transcription
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "workers/common/websocket_client.h"
#include "workers/voice/settings.h"

namespace voice {

class Transcriber final : private WebSocketReceiver {
  public:
    struct Handlers {
        // Somebody begins to speak: the turn that they answer, which heard() is told again.
        std::function<uint32_t()> speech_started;
        // What was said from one silence to the next; never empty. `turn` 0: its beginning was not
        // told.
        std::function<void(const std::string& words, uint32_t turn)> heard;
        // The last call; may destroy the Transcriber.
        std::function<void(const std::string& why)> failed;
    };
    Transcriber(Loop& loop, WebSocketClient& client, const Streaming& settings,
                std::chrono::milliseconds ping_period, Handlers handlers);

    void start();
    // Mu-law of 8 kHz, in base64.
    void take(std::string_view sound);
    // There is no more. True: words of it are still to be told.
    bool finish();
    // Somebody has begun to speak, and it is not written down.
    bool owes_words() const { return !unwritten_.empty(); }

    static constexpr std::chrono::milliseconds connect_timeout{10'000};
    static constexpr size_t most_kept = 128 * 1024;  // of base64: 12 seconds
    static constexpr size_t most_unwritten = 64;

  private:
    void websocket_opened() override;
    void websocket_message(std::string_view message, bool is_binary) override;
    void websocket_pong() override;
    void websocket_ended(const WebSocketEnd& end) override;
    void open();
    void send_kept();
    void confirmed();
    void begun(const std::string& item);
    uint32_t written(const std::string& item);
    void ping();
    void cut_off();
    void fail(const std::string& why);
    bool may_try_again(const WebSocketEnd& end) const;

    Loop& loop_;
    WebSocketClient& client_;
    const Streaming& settings_;
    std::chrono::milliseconds ping_period_;
    Handlers handlers_;
    std::unique_ptr<WebSocket> socket_;
    bool is_open_ = false;
    bool is_confirmed_ = false;  // the session is as we asked for
    bool was_confirmed_ = false;
    size_t tries_ = 0;  // in vain, since it was last confirmed
    std::deque<std::string> kept_;
    size_t kept_size_ = 0;
    int failures_ = 0;  // to write down what was said, since it last succeeded
    std::map<std::string, uint32_t> unwritten_;  // turns that are answered, by the item's name
    bool somebody_speaks_ = false;
    bool is_silent_ = false;  // since the last ping
    bool answers_pings_ = false;
    Loop::Registration pings_;
    Loop::Registration pause_;
    Loop::Registration confirmation_;  // by then it has to come
};

// What is sent first, and then for each piece of sound.
std::string session_update(const Streaming& settings);
std::string sound_append(std::string_view sound);

}  // namespace voice
