#include "workers/tunnel/loopback_get.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace tunnel {

LoopbackGet::LoopbackGet(Loop& loop)
    : loop_(loop), socket_(loop, [this](unsigned events) { is_ready(events); }) {}

void LoopbackGet::ask(uint16_t port, const std::string& path, std::chrono::milliseconds time,
                      Answer answer) {
    cancel();
    answer_ = std::move(answer);
    incoming_.clear();
    // The older version: its answers end with the connection and come in no chunks.
    outgoing_ = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1:" + std::to_string(port) +
                "\r\nAccept: application/json\r\n\r\n";
    deadline_ = loop_.after(time, [this] { finish(false); });
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!socket ||
        (connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
         errno != EINPROGRESS))
        return loop_.soon([this] { finish(false); });
    socket_.open(std::move(socket));
    socket_.want(Loop::writable | Loop::readable);
}

void LoopbackGet::cancel() {
    deadline_.reset();
    socket_.close();
    answer_ = nullptr;
}

void LoopbackGet::is_ready(unsigned events) {
    if ((events & Loop::writable) && !outgoing_.empty() && !socket_.write(outgoing_))
        return finish(false);
    if (events & Loop::readable) {
        const ptrdiff_t got = socket_.read(incoming_, largest_answer - incoming_.size());
        if (got < 0 || incoming_.size() >= largest_answer) return finish(got < 0);
    }
    socket_.want(Loop::readable | (outgoing_.empty() ? 0u : Loop::writable));
}

void LoopbackGet::finish(bool ok) {
    const Answer answer = std::exchange(answer_, nullptr);
    cancel();
    if (!answer) return;
    const size_t body = incoming_.find("\r\n\r\n");
    const bool is_200 =
        incoming_.starts_with("HTTP/1.0 200") || incoming_.starts_with("HTTP/1.1 200");
    if (!ok || !is_200 || body == std::string::npos) return answer(false, {});
    answer(true, incoming_.substr(body + 4));
}

}  // namespace tunnel
