// A stand-in for Twilio's end of a media stream: opens the WebSocket, says what Twilio says, hears
// what it is sent, and sends marks back when what was before them has been heard.
//
// Knows nothing of the product's code.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/deadline.h"

class MediaCaller {
  public:
    static constexpr const char* stream = "MZ0123456789";

    MediaCaller();
    ~MediaCaller();

    // `headers`: whole lines. False when it was not opened: http_status() tells why.
    bool open(uint16_t port, const std::string& path, const std::string& headers = {});
    int http_status() const;

    // connected and start.
    void begin(const std::string& account, const std::string& call, const std::string& token);
    // So many frames of 20 ms, at once.
    void speak(size_t frames);
    void press(const std::string& digit);
    void stop();
    void send(const std::string& text);
    void send_bytes(const std::string& bytes);
    void drop();
    // Off: as if nothing is heard; marks are kept back.
    void hear(bool on);

    // Reads until a message of that event has come, and marks are sent back; false: it was closed,
    // or did not come.
    bool wait(const std::string& event);
    bool wait_frames(size_t count);
    bool wait_closed();
    int close_code() const;
    // What has come so far: messages of sound, and their sound.
    size_t frames() const;
    const std::string& sound() const;
    // How long the sound took to come, from the first frame to the last.
    std::chrono::milliseconds duration() const;

    static std::string start_message(const std::string& account, const std::string& call,
                                     const std::string& token);

  private:
    struct State;
    bool read_one(const Deadline& deadline);
    std::unique_ptr<State> state_;
};

// The token that a company's answer has for a stream; empty: there is none.
std::string stream_token_in(const std::string& xml);
