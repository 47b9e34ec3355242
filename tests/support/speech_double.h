// A stand-in for OpenAI's realtime transcription and its speech interface: TLS on loopback, one
// server for both, with a will of its own about what it hears.
//
// Knows nothing of the product's code. What arrives is kept in its order; a test waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/tls_server.h"

class SpeechDouble {
  public:
    static constexpr std::chrono::milliseconds patience{20'000};
    static constexpr const char* key = "sk-key-of-a-listener";
    // Of each answer: a tone of 440 Hz at half of the loudest, 24 kHz, 16 bit.
    static constexpr int speech_ms = 200;

    SpeechDouble();
    ~SpeechDouble();

    std::string url() const { return "https://" + server_.authority(); }
    const std::string& certificate_file() const { return server_.certificate_file(); }

    // Somebody begins to speak, to be told on the open connection, and later has said these words.
    void hear_beginning();
    void hear(const std::string& words);
    // What somebody said cannot be written down.
    void fail_to_hear();
    // Further openings are answered with that status; 0: as usual. 200: they are left without an
    // answer.
    void refuse_hearing(int status);
    // Further speech is answered so; 0: as usual.
    void refuse_speaking(int status);
    // Further speech does not begin until it is let go.
    void hold_speaking(bool on);
    // Speech lasts so long from now on.
    void speak_for(int milliseconds);
    // Pings are left without an answer, as on a connection that is dead on the way.
    void go_deaf(bool on);
    // Breaks the open connections off.
    void cut() { server_.cut_all(); }

    // What it was asked to say, as JSON.
    std::vector<std::string> asked_to_say() const;
    // What the product sent over the WebSocket, as JSON; sound appended is put together as base64
    // texts one after the other in sound().
    std::vector<std::string> messages() const;
    std::string sound() const;
    size_t openings() const;
    size_t pings() const;
    // Whether every request and opening had the key.
    bool all_had_the_key() const;
    // Until `fits`, asked after each change, or the time is over.
    bool wait(const std::function<bool()>& fits) const;

  private:
    void talk(TlsStream& stream);
    void answer_speech(TlsStream& stream, const std::string& head);
    void listen(TlsStream& stream, const std::string& head);
    bool take_frame(TlsStream& stream);
    void answer_ping(TlsStream& stream, const std::string& text);
    void take_message(TlsStream& stream, const std::string& text);
    void changed() const { changed_.notify_all(); }

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool is_stopping_ = false;
    int hearing_status_ = 0;
    int speaking_status_ = 0;
    bool speaking_is_held_ = false;
    int speech_ms_ = speech_ms;
    bool had_the_key_ = true;
    bool is_deaf_ = false;
    size_t openings_ = 0;
    size_t pings_ = 0;
    std::vector<std::string> to_tell_;  // on the open connection
    std::vector<std::string> said_;
    std::vector<std::string> messages_;
    std::string sound_;
    TlsServer server_;
};
