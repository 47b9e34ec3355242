// The sound of one call: Twilio's WebSocket on the one side, who writes down and who speaks on the
// other.
//
// Promises: nothing is done for who has not shown, within Times::start, the token of a call that
// waits for it; what the caller says over the bot's words stops them; sound leaves at the pace of
// speech; words count as said once the company says that they were heard. Where it cannot hear or
// speak it ends and says why, and the call goes on without it. What is being written down when it
// ends still reaches the call, if it comes within Times::last_words.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "workers/common/routes/server_websocket.h"
#include "workers/voice/call_desk.h"
#include "workers/voice/media_messages.h"
#include "workers/voice/play_queue.h"
#include "workers/voice/speech.h"
#include "workers/voice/transcriber.h"

namespace voice {

class MediaStream final : public CallDesk::Stream {
  public:
    struct Times {
        std::chrono::milliseconds start{5'000};   // until the token is shown
        std::chrono::milliseconds greeting{500};  // from there to the first word
        std::chrono::milliseconds digits{1'500};  // after which no further key belongs to them
        // Without a frame of sound, of which Twilio sends fifty a second: it is dead.
        std::chrono::milliseconds silence{30'000};
        // To who writes down: who does not answer one until the next is dead.
        std::chrono::milliseconds pings{5'000};
        std::chrono::milliseconds last_words{4'000};
    };
    struct Services {
        Loop& loop;
        const Settings& settings;
        CallDesk& desk;
        WebSocketClient& sockets;
        HttpsClient& speech;
        Times times;
        std::function<int64_t()> now_ms;  // monotonic
    };
    // `gone` is the last call; it must not destroy the stream at once.
    MediaStream(Services services, RouteStream connection, const RequestHead& head,
                std::function<void()> gone);

    // It has shown the token of a call.
    bool is_of_a_call() const { return !call_id_.empty(); }
    // False: only its last words are waited for.
    bool has_socket() const { return !is_closed_; }
    void speak(uint32_t turn, const std::string& words) override;
    void call_is_over() override;
    // The process ends; the call goes on with the next one.
    void stop();

  private:
    struct Wish {
        uint32_t turn = 0;
        std::string words;
    };
    ServerWebSocket::Handlers socket_handlers();
    Transcriber::Handlers hearing_handlers();
    Speech::Handlers speaking_handlers();
    void take(std::string_view text);
    void begin(const MediaMessage& start);
    void take_words(const std::string& words, uint32_t turn);
    void take_digit(const std::string& digit);
    void take_mark(const std::string& name);
    void interrupt();
    void speak_next();
    void play();
    bool is_speaking() const;
    uint32_t turn_now() const;
    void refuse(const std::string& why);
    void give_up(const std::string& why);
    // `trouble`: why it does not work; empty: it ends in order.
    void leave(const std::string& trouble, int code, const std::string& reason);
    void wait_for_last_words();
    void go_unless_waiting();

    Services services_;
    std::function<void()> gone_;
    ServerWebSocket socket_;
    Transcriber ears_;
    Speech mouth_;
    std::string call_id_;  // empty until the token was shown
    std::string stream_id_;
    bool is_over_ = false;
    bool is_closed_ = false;   // its socket
    std::deque<Wish> wishes_;  // the first one is being spoken
    PlayQueue queue_;
    uint32_t latest_turn_ = 0;  // that we were told to speak
    uint32_t marked_turn_ = 0;  // sent to its end
    uint32_t heard_turn_ = 0;   // and heard, or interrupted
    bool is_heard_ = false;     // some sound of what is being spoken has left
    int64_t sounded_ms_ = 0;    // when the caller's sound last came; monotonic
    std::string digits_;
    uint32_t digits_turn_ = 0;  // that they answer
    Loop::Registration start_deadline_;
    Loop::Registration greeting_;
    Loop::Registration digits_end_;
    Loop::Registration clock_;
    Loop::Registration watch_;
    Loop::Registration last_words_;  // until then they may come
};

}  // namespace voice
