// A stand-in for a chat platform: keeps what people write until a bot confirms it, as Telegram's
// getUpdates does, and records what bots send. Lives in the test's process, so that it sees every
// life of the bot; speaks a line of JSON per question and answer over loopback.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/deadline.h"

class ChatPlatform {
  public:
    struct Arrived {
        std::string chat;
        std::string text;
        std::string nonce;
    };

    // A message with a nonce that it knows is the same message, as Discord has it.
    explicit ChatPlatform(bool drops_repetitions = true);
    ~ChatPlatform();
    ChatPlatform(const ChatPlatform&) = delete;
    ChatPlatform& operator=(const ChatPlatform&) = delete;

    uint16_t port() const;
    // A person writes; the bot sees it with its next look.
    void say(const std::string& text, const std::string& person = "555");
    // What people have got, in order.
    std::vector<Arrived> arrived() const;
    size_t count(const std::string& text) const;
    // How often a message came again and was dropped.
    size_t repetitions() const;
    // False when it does not come in time.
    bool wait_for(const std::string& text, std::chrono::milliseconds limit = patience) const;
    // The bot is at that step of its work and waits until this returns: "received", "accepted",
    // "answered", "sending", "given", "sent", "reported".
    void at_each_step(std::function<void(const std::string& step, const std::string& text)> look);
    // Answers every message with this kind of failure from now on: "" none, "later", "refused".
    void fail_with(const std::string& outcome);

  private:
    struct State;
    std::unique_ptr<State> state_;
};
