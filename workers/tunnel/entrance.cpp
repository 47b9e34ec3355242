#include "workers/tunnel/entrance.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace tunnel {

namespace {

constexpr int accepts_per_turn = 64;
constexpr std::chrono::milliseconds pause_without_descriptors{100};

}  // namespace

Entrance::Entrance(Loop& loop, const std::vector<int>& listeners, PathDoor& door)
    : loop_(loop), door_(door) {
    for (const int listener : listeners) {
        listeners_.emplace_back(listener);
        watches_.push_back(loop_.watch(listener, Loop::readable,
                                       [this, listener](unsigned) { accept_some(listener); }));
    }
}

uint16_t Entrance::port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (listeners_.empty() ||
        getsockname(listeners_.front().get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return 0;
    return ntohs(address.sin_port);
}

void Entrance::close() {
    pause_.reset();
    watches_.clear();
    listeners_.clear();
}

void Entrance::accept_some(int listener) {
    for (int count = 0; count < accepts_per_turn; ++count) {
        Fd connection(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (connection) {
            door_.take(std::move(connection));
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        for (const Fd& open : listeners_) loop_.rewatch(open.get(), 0);
        pause_ = loop_.after(pause_without_descriptors, [this] {
            for (const Fd& open : listeners_) loop_.rewatch(open.get(), Loop::readable);
        });
        return;
    }
}

}  // namespace tunnel
