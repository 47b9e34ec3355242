#include "workers/gateway/loopback_peer.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "workers/gateway/request_source.h"

namespace gateway {

namespace {

std::string text_of(int family, const void* bytes) {
    char text[INET6_ADDRSTRLEN] = {};
    return inet_ntop(family, bytes, text, sizeof text) ? plain_address(text) : std::string();
}

TcpEnd end_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        const auto& four = reinterpret_cast<const sockaddr_in&>(address);
        return {text_of(AF_INET, &four.sin_addr), ntohs(four.sin_port)};
    }
    if (address.ss_family == AF_INET6) {
        const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
        return {text_of(AF_INET6, &six.sin6_addr), ntohs(six.sin6_port)};
    }
    return {};
}

// "0100007F:1F90": words of 32 bits as the machine holds them, then the port.
TcpEnd parsed(const std::string& text) {
    const size_t colon = text.find(':');
    if (colon != 8 && colon != 32) return {};
    uint32_t words[4] = {};
    for (size_t i = 0; i < colon / 8; ++i)
        words[i] = static_cast<uint32_t>(std::strtoul(text.substr(i * 8, 8).c_str(), nullptr, 16));
    return {text_of(colon == 8 ? AF_INET : AF_INET6, words),
            static_cast<unsigned>(std::strtoul(text.c_str() + colon + 1, nullptr, 16))};
}

bool same(const TcpEnd& one, const TcpEnd& other) {
    return one.port == other.port && !one.address.empty() && one.address == other.address;
}

}  // namespace

std::optional<unsigned> user_in_table(std::istream& table, const TcpEnd& own, const TcpEnd& other) {
    std::string line;
    std::getline(table, line);  // the heading
    while (std::getline(table, line)) {
        std::istringstream fields(line);
        std::string number, local, remote, state, queues, timer, retransmits;
        unsigned user = 0;
        if (!(fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >>
              user))
            continue;
        if (same(parsed(local), own) && same(parsed(remote), other)) return user;
    }
    return {};
}

std::optional<unsigned> user_at_other_end(int descriptor) {
    sockaddr_storage ours{}, theirs{};
    socklen_t our_size = sizeof ours, their_size = sizeof theirs;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&ours), &our_size) != 0 ||
        getpeername(descriptor, reinterpret_cast<sockaddr*>(&theirs), &their_size) != 0)
        return {};
    if (!is_loopback(end_of(theirs).address)) return {};
    for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream table(path);
        if (const auto user = user_in_table(table, end_of(theirs), end_of(ours))) return user;
    }
    return {};
}

}  // namespace gateway
