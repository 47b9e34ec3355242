#include "workers/gateway/first_bytes.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "workers/common/routes/request_head.h"

namespace gateway {

void FirstBytes::wait(Loop& loop, Fd connection, Seen seen) {
    connection_ = std::move(connection);
    seen_ = std::move(seen);
    if (!look()) return;
    watch_ = loop.watch(connection_.get(), Loop::readable, [this](unsigned) { (void)look(); });
}

bool FirstBytes::look() {
    char bytes[longest];
    const ssize_t there = recv(connection_.get(), bytes, sizeof bytes, MSG_PEEK);
    if (there < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    const auto count = static_cast<size_t>(std::max<ssize_t>(there, 0));
    // Woken without anything new: no more will come.
    if (count <= there_) {
        tell({}, {});
        return false;
    }
    const bool was_not_enough = there_ > 0;
    there_ = count;
    const auto path = path_of_request({bytes, count});
    if (!path && count < sizeof bytes) {
        const int enough = static_cast<int>(count) + 1;  // else what is there wakes us for ever
        setsockopt(connection_.get(), SOL_SOCKET, SO_RCVLOWAT, &enough, sizeof enough);
        return true;
    }
    const int any = 1;
    if (was_not_enough) setsockopt(connection_.get(), SOL_SOCKET, SO_RCVLOWAT, &any, sizeof any);
    tell(path, std::move(connection_));
    return false;
}

void FirstBytes::tell(std::optional<std::string_view> path, Fd connection) {
    watch_.reset();
    const Seen seen = std::move(seen_);
    seen(path, std::move(connection));
}

}  // namespace gateway
