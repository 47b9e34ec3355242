#include "tests/bench/load_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/support/websocket_bytes.h"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const char* why) {
    std::fprintf(stderr, "bench: %s\n", why);
    std::exit(1);
}

// Counts the frames of a stream without keeping what is in them beyond a few bytes.
class FrameCounter {
  public:
    // Text frames that are whole with these bytes.
    unsigned take(const char* bytes, size_t size) {
        unsigned whole = 0;
        while (size > 0) {
            if (left_ == 0 && !in_payload_) {
                header_ += *bytes++;
                --size;
                read_header();
            } else {
                const size_t part = static_cast<size_t>(std::min<uint64_t>(left_, size));
                keep(bytes, part);
                bytes += part;
                size -= part;
                left_ -= part;
            }
            if (in_payload_ && left_ == 0) {
                in_payload_ = false;
                if (opcode_ == 8) give_up("the gateway closed a connection");
                if (opcode_ == 1 && is_answer()) ++whole;
                head_.clear();
            }
        }
        return whole;
    }
    bool count_events = false;

  private:
    void keep(const char* bytes, size_t size) {
        if (head_.size() < 80) head_.append(bytes, std::min(size, 80 - head_.size()));
    }
    bool is_answer() const {
        if (head_.find("\"ok\":false") != std::string::npos) give_up(head_.c_str());
        return count_events || head_.find("\"type\":\"event\"") == std::string::npos;
    }
    void read_header() {
        const auto byte = [this](size_t i) { return static_cast<unsigned char>(header_[i]); };
        if (header_.size() < 2) return;
        const unsigned announced = byte(1) & 0x7f;
        const size_t extra = announced == 126 ? 2 : announced == 127 ? 8 : 0;
        if (header_.size() < 2 + extra) return;
        left_ = extra ? 0 : announced;
        for (size_t i = 0; i < extra; ++i) left_ = left_ << 8 | byte(2 + i);
        opcode_ = byte(0) & 0x0f;
        in_payload_ = true;
        header_.clear();
    }

    std::string header_;
    std::string head_;
    uint64_t left_ = 0;
    unsigned opcode_ = 0;
    bool in_payload_ = false;
};

struct Connection {
    int descriptor;
    FrameCounter frames;
    Clock::time_point asked;
};

void send_all(int descriptor, const std::string& bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t count =
            ::send(descriptor, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count > 0) {
            sent += static_cast<size_t>(count);
        } else if (errno == EAGAIN) {
            pollfd room{descriptor, POLLOUT, 0};
            poll(&room, 1, 1000);
        } else if (errno != EINTR) {
            give_up("a connection cannot be written to");
        }
    }
}

unsigned read_some(Connection& connection) {
    char buffer[65536];
    unsigned whole = 0;
    while (true) {
        const ssize_t count = recv(connection.descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
        if (count == 0) give_up("the gateway ended a connection");
        if (count < 0) return whole;
        whole += connection.frames.take(buffer, static_cast<size_t>(count));
    }
}

}  // namespace

LoadResult load(const std::vector<int>& descriptors, const std::string& request, uint64_t answers) {
    const std::string bytes = websocket_bytes::bytes_of({.payload = request});
    std::vector<Connection> connections;
    std::vector<pollfd> polled;
    for (const int descriptor : descriptors) {
        connections.push_back({descriptor, {}, Clock::now()});
        polled.push_back({descriptor, POLLIN, 0});
    }
    std::vector<double> taken;
    taken.reserve(answers);
    const auto before = Clock::now();
    for (Connection& connection : connections) send_all(connection.descriptor, bytes);
    while (taken.size() < answers) {
        if (poll(polled.data(), polled.size(), 10'000) == 0) give_up("no answer for ten seconds");
        for (size_t i = 0; i < polled.size(); ++i) {
            if (!polled[i].revents) continue;
            Connection& connection = connections[i];
            if (read_some(connection) == 0) continue;
            const auto now = Clock::now();
            taken.push_back(
                std::chrono::duration<double, std::milli>(now - connection.asked).count());
            connection.asked = now;
            if (taken.size() + connections.size() <= answers)
                send_all(connection.descriptor, bytes);
        }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - before).count();
    std::sort(taken.begin(), taken.end());
    return {static_cast<double>(taken.size()) / seconds, taken[taken.size() / 2],
            taken[taken.size() * 99 / 100], taken.size()};
}

uint64_t drain(const std::vector<int>& descriptors, uint64_t count) {
    std::vector<Connection> connections;
    std::vector<pollfd> polled;
    for (const int descriptor : descriptors) {
        connections.push_back({descriptor, {}, {}});
        connections.back().frames.count_events = true;
        polled.push_back({descriptor, POLLIN, 0});
    }
    const uint64_t wanted = count * descriptors.size();
    uint64_t seen = 0;
    while (seen < wanted && poll(polled.data(), polled.size(), 2000) > 0)
        for (size_t i = 0; i < polled.size(); ++i)
            if (polled[i].revents) seen += read_some(connections[i]);
    return seen;
}
