// A process that answers whatever it reads with a frame made before, by epoll, recv and send alone:
// what the kernel takes for an answer on this machine, below which no server gets.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

class BareServer {
  public:
    enum class To { sender, all };
    // The answers have a payload of that many bytes.
    explicit BareServer(size_t payload, To to = To::sender);
    ~BareServer();
    BareServer(const BareServer&) = delete;
    BareServer& operator=(const BareServer&) = delete;

    uint16_t port() const { return port_; }
    pid_t pid() const { return pid_; }

  private:
    uint16_t port_ = 0;
    pid_t pid_ = -1;
};
