// Whether somebody is still at the other end of a WebSocket: who was quiet for long is asked with a
// ping, and given up when no sign of life follows. Whatever a client sends is one: a program that
// sends requests and answers no pings lives.
#pragma once

#include <chrono>
#include <cstdint>

namespace gateway {

// How long a client may be quiet.
struct Patience {
    std::chrono::milliseconds until_asked{120'000};

    std::chrono::milliseconds until_given_up() const { return until_asked + until_asked / 4; }
    // So often all are looked at; by so much the times above are exceeded.
    std::chrono::milliseconds between_looks() const { return until_asked / 8; }
};

class Liveness {
  public:
    enum class Next { nothing, ask, give_up };

    explicit Liveness(int64_t now_ms) : heard_ms_(now_ms) {}
    void heard(int64_t now_ms) {
        heard_ms_ = now_ms;
        asked_ = false;
    }
    // What to do now; it is asked once.
    Next next(const Patience& patience, int64_t now_ms) {
        const std::chrono::milliseconds quiet(now_ms - heard_ms_);
        if (quiet >= patience.until_given_up() && asked_) return Next::give_up;
        if (quiet < patience.until_asked || asked_) return Next::nothing;
        asked_ = true;
        return Next::ask;
    }

  private:
    int64_t heard_ms_;  // monotonic
    bool asked_ = false;
};

}  // namespace gateway
