#include "workers/common/routes/watched_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

void WatchedSocket::open(Fd descriptor) {
    close();
    descriptor_ = std::move(descriptor);
}

void WatchedSocket::want(unsigned events) {
    if (!descriptor_ || events == wanted_) return;
    wanted_ = events;
    if (events == 0)
        watch_.reset();
    else if (watch_)
        loop_.rewatch(descriptor_.get(), events);
    else
        watch_ = loop_.watch(descriptor_.get(), events, handler_);
}

ptrdiff_t WatchedSocket::read(std::string& into, size_t most) {
    constexpr size_t piece = 16 * 1024;
    ptrdiff_t total = 0;
    while (most > 0 && descriptor_) {
        char bytes[piece];
        const ssize_t got = recv(descriptor_.get(), bytes, std::min(most, piece), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return total;
        if (got <= 0) {
            wanted_ = not_watched;  // libuv looks no more at what had an error, until told to
            return total > 0 ? total : -1;  // said again at the next call
        }
        into.append(bytes, static_cast<size_t>(got));
        most -= static_cast<size_t>(got);
        total += got;
    }
    return total;
}

bool WatchedSocket::write(std::string& from) {
    size_t sent = 0;
    bool takes = true;
    while (sent < from.size() && descriptor_) {
        const ssize_t put =
            send(descriptor_.get(), from.data() + sent, from.size() - sent, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            takes = errno == EAGAIN || errno == EWOULDBLOCK;
            break;
        }
        sent += static_cast<size_t>(put);
    }
    from.erase(0, sent);
    return takes && descriptor_;
}

void WatchedSocket::end_writing() {
    if (descriptor_) shutdown(descriptor_.get(), SHUT_WR);
}

void WatchedSocket::notice_death() {
    const int on = 1, idle_s = 60, between_s = 20, tries = 3;
    setsockopt(descriptor_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(descriptor_.get(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(descriptor_.get(), IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof between_s);
    setsockopt(descriptor_.get(), IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

Fd WatchedSocket::release() {
    watch_.reset();
    wanted_ = 0;
    return std::move(descriptor_);
}

void WatchedSocket::close() {
    watch_.reset();
    wanted_ = 0;
    descriptor_.reset();
}
