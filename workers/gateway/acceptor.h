// Accepts connections from the listening sockets that the process was given, and hands each on.
// Out of descriptors or memory it pauses, says so once a minute, and goes on by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

namespace gateway {

class Acceptor {
  public:
    using Take = std::function<void(Fd connection)>;

    // `open`: how many connections there are, for the log.
    Acceptor(Loop& loop, std::function<size_t()> open) : loop_(loop), open_(std::move(open)) {}

    // Takes over the listening sockets.
    void listen(const std::vector<int>& descriptors, Take take);
    // No more connections.
    void stop();

  private:
    void accept_some(int listener, const Take& take);
    void pause();

    Loop& loop_;
    const std::function<size_t()> open_;
    std::vector<Fd> listeners_;
    std::vector<Loop::Registration> watches_;
    Loop::Registration pause_;
    int64_t refused_log_ms_ = -60'000;  // monotonic
};

}  // namespace gateway
