#include "tests/support/tcp_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace {

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool wait_for(int descriptor, short events, const Deadline& deadline) {
    for (;;) {
        pollfd entry{descriptor, events, 0};
        const int ready = poll(&entry, 1, static_cast<int>(deadline.left().count()));
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
}

}  // namespace

TcpSocket TcpSocket::connect(uint16_t port, const Deadline& deadline) {
    TcpSocket made;
    Fd descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_in address = loopback(port);
    int failure = 0;
    if (::connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address))
        failure = errno;
    if (failure == EINPROGRESS) {
        failure = ETIMEDOUT;
        socklen_t size = sizeof failure;
        if (wait_for(descriptor.get(), POLLOUT, deadline))
            getsockopt(descriptor.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
    }
    made.connect_error_ = failure;
    if (failure != 0) return made;
    const int on = 1;
    setsockopt(descriptor.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    made.descriptor_ = std::move(descriptor);
    return made;
}

bool TcpSocket::send(std::string_view bytes) {
    const Deadline deadline(patience);
    while (!bytes.empty()) {
        if (!wait_for(descriptor_.get(), POLLOUT, deadline)) return false;
        const ssize_t count = ::send(descriptor_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
}

std::optional<std::string> TcpSocket::receive(const Deadline& deadline) {
    while (descriptor_) {
        if (!wait_for(descriptor_.get(), POLLIN, deadline)) return std::nullopt;
        std::string bytes(65536, '\0');
        const ssize_t count = ::recv(descriptor_.get(), bytes.data(), bytes.size(), 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        was_reset_ = count < 0;
        bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
        return bytes;
    }
    return std::string();
}

uint16_t free_port() {
    const Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return 0;
    getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}
