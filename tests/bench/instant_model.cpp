#include "tests/bench/instant_model.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr int pieces = 20;
constexpr int paced_pieces = 100;

std::string event(const std::string& type, const std::string& rest) {
    return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + rest + "}\n\n";
}

std::string beginning() {
    return event(
               "message_start",
               R"(,"message":{"id":"msg_1","type":"message","role":"assistant","model":"instant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}})") +
           event("content_block_start", R"(,"index":0,"content_block":{"type":"text","text":""})");
}

std::string piece(const std::string& text) {
    return event("content_block_delta",
                 R"(,"index":0,"delta":{"type":"text_delta","text":")" + text + R"("})");
}

std::string end() {
    return event("content_block_stop", R"(,"index":0)") +
           event(
               "message_delta",
               R"(,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":60})") +
           event("message_stop", "");
}

// Twenty deltas of twelve bytes: a short answer as a real model streams it.
std::string make_answer() {
    std::string body = beginning();
    for (int i = 0; i < pieces; ++i) body += piece("twelve byte ");
    body += end();
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunk(const std::string& bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
}

// Length of the first whole request in `bytes`, 0 when it is not whole yet.
size_t request_length(const std::string& bytes) {
    const size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    size_t body = 0;
    for (const char* name : {"Content-Length: ", "content-length: "}) {
        const size_t at = bytes.find(name);
        if (at < end) body = std::strtoul(bytes.c_str() + at + 16, nullptr, 10);
    }
    return bytes.size() >= end + 4 + body ? end + 4 + body : 0;
}

void send_all(int descriptor, const std::string& bytes) {
    for (size_t sent = 0; sent < bytes.size();) {
        const ssize_t count =
            ::send(descriptor, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return;
        sent += static_cast<size_t>(count);
    }
}

}  // namespace

InstantModel::InstantModel(std::chrono::milliseconds pause)
    : pause_(pause), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_.get(), 64) != 0)
        std::abort();
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { serve(); });
}

InstantModel::~InstantModel() {
    ending_ = true;
    shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    {
        const std::lock_guard lock(mutex_);
        for (const int descriptor : open_) shutdown(descriptor, SHUT_RDWR);
    }
    for (std::thread& conversation : conversations_) conversation.join();
    for (const int descriptor : open_) ::close(descriptor);
}

std::vector<std::chrono::nanoseconds> InstantModel::own_times() const {
    const std::lock_guard lock(mutex_);
    return own_times_;
}

std::string InstantModel::stamp() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return "@" + std::to_string(std::chrono::nanoseconds(now).count()) + "@";
}

void InstantModel::speak(int descriptor) const {
    send_all(descriptor,
             "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"
             "\r\n\r\n" +
                 chunk(beginning()));
    for (int i = 0; i < paced_pieces && !ending_; ++i) {
        std::this_thread::sleep_for(pause_);
        send_all(descriptor, chunk(piece(stamp())));
    }
    send_all(descriptor, chunk(end()) + chunk(""));
}

void InstantModel::serve() {
    for (;;) {
        const int descriptor = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0) return;
        const int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const std::lock_guard lock(mutex_);
        open_.push_back(descriptor);
        conversations_.emplace_back([this, descriptor] { converse(descriptor); });
    }
}

void InstantModel::converse(int descriptor) {
    static const std::string answer = make_answer();
    std::string input;
    char buffer[65536];
    ssize_t count;
    while (!ending_ && (count = ::recv(descriptor, buffer, sizeof buffer, 0)) > 0) {
        const auto received = std::chrono::steady_clock::now();
        input.append(buffer, static_cast<size_t>(count));
        const size_t length = request_length(input);
        if (length == 0) continue;
        input.erase(0, length);
        if (pause_.count() > 0) {
            speak(descriptor);
            continue;
        }
        send_all(descriptor, answer);
        const auto sent = std::chrono::steady_clock::now();
        const std::lock_guard lock(mutex_);
        own_times_.push_back(sent - received);
    }
}
