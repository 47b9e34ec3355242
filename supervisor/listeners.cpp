#include "supervisor/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "supervisor/directories.h"

namespace supervisor {

namespace {

using hardshell::proto::Address;
using hardshell::proto::Listener;

constexpr int waiting_connections = 1024;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Result<SocketAddress> parse(const Address& address) {
    SocketAddress parsed;
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&parsed.storage);
    auto* v4 = reinterpret_cast<sockaddr_in*>(&parsed.storage);
    const auto port = htons(static_cast<uint16_t>(address.port()));
    if (inet_pton(AF_INET6, address.ip().c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        parsed.size = sizeof(sockaddr_in6);
    } else if (inet_pton(AF_INET, address.ip().c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        parsed.size = sizeof(sockaddr_in);
    } else {
        return Error{Fault::bad_config, "not a numeric address: " + address.ip()};
    }
    return parsed;
}

// `port_setting` is what the owner changes when the port is taken.
Result<Fd> bind_one(const Address& address, const std::string& port_setting) {
    Result<SocketAddress> parsed = parse(address);
    if (!parsed) return parsed.error();
    const int family = parsed->storage.ss_family;
    Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const std::string where = address.ip() + " port " + std::to_string(address.port());
    if (!socket) return system_error("cannot listen on " + where, errno);
    const int on = 1;
    setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6) {
        const int only_v6 = address.dual_stack() ? 0 : 1;
        setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
    }
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&parsed->storage), parsed->size) !=
            0 ||
        listen(socket.get(), waiting_connections) != 0) {
        if (errno == EADDRINUSE)
            return Error{Fault::busy,
                         "port " + std::to_string(address.port()) + " on " + address.ip() +
                             " is taken by another program; end it or choose another " +
                             port_setting,
                         errno};
        return system_error("cannot listen on " + where, errno);
    }
    return socket;
}

Result<Fd> bind_with_fallback(const Address& address, const std::string& port_setting) {
    Result<Fd> socket = bind_one(address, port_setting);
    const bool no_v6 =
        !socket && (socket.error().sys == EAFNOSUPPORT || socket.error().sys == EADDRNOTAVAIL);
    if (!no_v6 || !address.dual_stack()) return socket;
    Address fallback = address;
    fallback.set_ip("0.0.0.0");
    fallback.set_dual_stack(false);
    return bind_one(fallback, port_setting);
}

}  // namespace

bool is_optional(const Listener& listener) {
    return std::all_of(listener.addresses().begin(), listener.addresses().end(),
                       [](const Address& address) { return address.optional(); });
}

Result<Fd> bind_stream(const std::string& path, std::optional<unsigned> owner,
                       std::optional<unsigned> door) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return too_long(path);
    std::memcpy(address.sun_path, path.data(), path.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_error("cannot make the socket " + path, errno);
    unlink(path.c_str());
    if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return system_error("cannot bind the socket " + path, errno);
    // Its directory keeps everybody else out; within, who connects has to be able to write.
    if ((owner && door && lchown(path.c_str(), *owner, *door) != 0) ||
        chmod(path.c_str(), owner && door ? 0660 : 0600) != 0)
        return system_error("cannot protect the socket " + path, errno);
    if (listen(socket.get(), waiting_connections) != 0)
        return system_error("cannot listen on the socket " + path, errno);
    return socket;
}

Result<std::vector<Fd>> bind_listener(const Listener& listener) {
    std::string port_setting = listener.setting();
    if (port_setting.empty())
        port_setting = listener.name() == "http" ? "--port" : listener.name() + ".port";
    std::vector<Fd> sockets;
    Error why{Fault::bad_config, "the plan names no address to listen on"};
    for (const Address& address : listener.addresses()) {
        Result<Fd> socket = bind_with_fallback(address, port_setting);
        if (socket) {
            sockets.push_back(std::move(*socket));
            continue;
        }
        if (!address.optional()) return socket.error();
        // The first is the one the owner meant; ::1 is missing on many machines.
        if (why.fault == Fault::bad_config) why = socket.error();
    }
    if (sockets.empty()) return why;
    return sockets;
}

}  // namespace supervisor
