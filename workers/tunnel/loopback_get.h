// One HTTP GET to a port of 127.0.0.1.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "workers/common/base/loop.h"
#include "workers/common/routes/watched_socket.h"

namespace tunnel {

class LoopbackGet {
  public:
    static constexpr size_t largest_answer = 256 * 1024;

    explicit LoopbackGet(Loop& loop);

    // `answer`: the body of a 200, or nothing. A question under way is given up.
    using Answer = std::function<void(bool ok, const std::string& body)>;
    void ask(uint16_t port, const std::string& path, std::chrono::milliseconds time, Answer answer);
    void cancel();

  private:
    void is_ready(unsigned events);
    void finish(bool ok);

    Loop& loop_;
    WatchedSocket socket_;
    std::string outgoing_;
    std::string incoming_;
    Answer answer_;
    Loop::Registration deadline_;
};

}  // namespace tunnel
