// Sends updates to a webhook on loopback, as Telegram does: in order, again until it is told 200.

#include <thread>

#include "tests/support/tcp_socket.h"
#include "tests/support/telegram_state.h"

namespace telegram_double {

namespace {

constexpr std::chrono::milliseconds answer_time{10'000};
constexpr std::chrono::milliseconds again{100};

// The status; 0: no answer.
int post(const std::string& url, const std::string& secret, const std::string& body) {
    const size_t host = url.find("127.0.0.1:");
    if (host == std::string::npos) return 0;
    const auto port = static_cast<uint16_t>(std::strtoul(url.c_str() + host + 10, nullptr, 10));
    const size_t slash = url.find('/', host);
    const std::string path = slash == std::string::npos ? "/" : url.substr(slash);
    const Deadline deadline(answer_time);
    TcpSocket socket = TcpSocket::connect(port, deadline);
    if (!socket.is_open()) return 0;
    std::string request = "POST " + path + " HTTP/1.1\r\nhost: 127.0.0.1\r\n" +
                          "content-type: application/json\r\nconnection: close\r\n" +
                          "content-length: " + std::to_string(body.size()) + "\r\n";
    if (!secret.empty()) request += "X-Telegram-Bot-Api-Secret-Token: " + secret + "\r\n";
    if (!socket.send(request + "\r\n" + body)) return 0;
    std::string answer;
    while (answer.find("\r\n") == std::string::npos) {
        const auto bytes = socket.receive(deadline);
        if (!bytes || bytes->empty()) return 0;
        answer += *bytes;
    }
    return std::atoi(answer.c_str() + sizeof "HTTP/1.1");
}

}  // namespace

void serve_webhook(World& world) {
    std::unique_lock lock(world.mutex);
    while (!world.is_stopping) {
        world.changed.wait(lock, [&] {
            return world.is_stopping || (!world.webhook.empty() && !world.updates.empty());
        });
        if (world.is_stopping) return;
        const Json update = world.updates.front();
        const std::string url = world.webhook;
        const std::string secret = world.webhook_secret;
        lock.unlock();
        const int status = post(url, secret, update.dump());
        lock.lock();
        if (status == 200) {
            if (!world.updates.empty() && world.updates.front() == update)
                world.updates.pop_front();
            world.changed.notify_all();
            continue;
        }
        world.webhook_error = "Wrong response from the webhook: " + std::to_string(status);
        world.changed.wait_for(lock, again, [&] { return world.is_stopping; });
    }
}

}  // namespace telegram_double
