#include "workers/gateway/acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace gateway {

namespace {

constexpr int accepts_per_turn = 64;
constexpr std::chrono::milliseconds pause_without_descriptors{100};

}  // namespace

void Acceptor::listen(const std::vector<int>& descriptors, Take take) {
    for (const int descriptor : descriptors) {
        listeners_.emplace_back(descriptor);
        watches_.push_back(
            loop_.watch(descriptor, Loop::readable,
                        [this, descriptor, take](unsigned) { accept_some(descriptor, take); }));
    }
}

void Acceptor::stop() {
    watches_.clear();
    pause_.reset();
    listeners_.clear();
}

void Acceptor::accept_some(int listener, const Take& take) {
    for (int count = 0; count < accepts_per_turn; ++count) {
        Fd connection(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (connection) {
            const int on = 1;
            setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            take(std::move(connection));
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause();
        return;
    }
}

void Acceptor::pause() {
    if (const int64_t now = monotonic_ms(); now - refused_log_ms_ > 60'000) {
        refused_log_ms_ = now;
        log_warn("cannot accept a connection: out of descriptors or memory ({} are open)", open_());
    }
    // Others may end meanwhile; spinning would keep them from it.
    for (const Fd& open : listeners_) loop_.rewatch(open.get(), 0);
    pause_ = loop_.after(pause_without_descriptors, [this] {
        for (const Fd& open : listeners_) loop_.rewatch(open.get(), Loop::readable);
    });
}

}  // namespace gateway
