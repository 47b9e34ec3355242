#include "tests/bench/bare_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/support/websocket_bytes.h"

namespace {

int listening_socket(uint16_t& port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* as_sockaddr = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener, as_sockaddr, size) != 0 || listen(listener, 128) != 0 ||
        getsockname(listener, as_sockaddr, &size) != 0) {
        std::perror("bench: cannot listen");
        std::exit(1);
    }
    port = ntohs(address.sin_port);
    return listener;
}

void accept_one(int poll, int listener, std::map<int, size_t>& unsent) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{.events = EPOLLIN, .data = {.fd = client}};
    epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
    unsent[client] = 0;
}

// What the kernel does not take goes out when it has room again.
void send_rest(int poll, int client, const std::string& answer, size_t& unsent) {
    const ssize_t sent =
        send(client, answer.data() + answer.size() - unsent, unsent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return;
    const bool was_waiting = unsent < answer.size();
    unsent -= sent > 0 ? static_cast<size_t>(sent) : 0;
    if (unsent == 0 && !was_waiting) return;
    epoll_event event{.events = unsent > 0 ? EPOLLOUT : EPOLLIN, .data = {.fd = client}};
    epoll_ctl(poll, EPOLL_CTL_MOD, client, &event);
}

[[noreturn]] void serve(int listener, const std::string& answer, BareServer::To to) {
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    std::map<int, size_t> unsent;
    epoll_event ready[64];
    char request[4096];
    for (;;) {
        const int count = epoll_wait(poll, ready, 64, -1);
        for (int i = 0; i < count; ++i) {
            const int client = ready[i].data.fd;
            if (client == listener) {
                accept_one(poll, listener, unsent);
                continue;
            }
            if (ready[i].events & EPOLLIN) {
                if (recv(client, request, sizeof request, 0) <= 0) {
                    unsent.erase(client);
                    close(client);
                    continue;
                }
                unsent[client] = answer.size();
                if (to == BareServer::To::all)
                    for (auto& [other, left] : unsent)
                        if (other != client) send_rest(poll, other, answer, left = answer.size());
            }
            send_rest(poll, client, answer, unsent[client]);
        }
    }
}

}  // namespace

BareServer::BareServer(size_t payload, To to) {
    const std::string text(payload, 'x');
    const std::string answer = websocket_bytes::bytes_of({.payload = text, .masked = false});
    const int listener = listening_socket(port_);
    pid_ = fork();
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, answer, to);
    }
    close(listener);
}

BareServer::~BareServer() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}
