#include "workers/tools/address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdint>
#include <cstring>

namespace tools {

namespace {

struct Network4 {
    uint32_t address;
    int bits;
};
constexpr uint32_t ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return a << 24 | b << 16 | c << 8 | d;
}
constexpr Network4 closed4[] = {
    {ip(0, 0, 0, 0), 8},        // this network
    {ip(10, 0, 0, 0), 8},       // private
    {ip(100, 64, 0, 0), 10},    // shared by carriers, tailnets
    {ip(127, 0, 0, 0), 8},      // loopback
    {ip(169, 254, 0, 0), 16},   // link-local, metadata services
    {ip(172, 16, 0, 0), 12},    // private; Fly's in part
    {ip(192, 0, 0, 0), 24},     // protocol assignments
    {ip(192, 0, 2, 0), 24},     // documentation
    {ip(192, 88, 99, 0), 24},   // 6to4 relays
    {ip(192, 168, 0, 0), 16},   // private
    {ip(198, 18, 0, 0), 15},    // benchmarks
    {ip(198, 51, 100, 0), 24},  // documentation
    {ip(203, 0, 113, 0), 24},   // documentation
    {ip(224, 0, 0, 0), 3},      // multicast, reserved, broadcast
};

struct Network6 {
    uint8_t beginning[16];
    int bits;
};
// Of what is not 2000::/3, the only part that is given out.
constexpr Network6 closed6[] = {
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x20, 0x01, 0x00, 0x00}, 23},  // Teredo and other protocol assignments
    {{0x20, 0x02}, 16},              // 6to4: has an IPv4 address inside
    {{0x3f, 0xff}, 20},              // documentation
};

bool is_within(const uint8_t* address, const Network6& network) {
    for (int bit = 0; bit < network.bits; ++bit) {
        const int mask = 0x80 >> bit % 8;
        if ((address[bit / 8] & mask) != (network.beginning[bit / 8] & mask)) return false;
    }
    return true;
}

bool is_public4(uint32_t address) {
    for (const Network4& network : closed4)
        if (address >> (32 - network.bits) == network.address >> (32 - network.bits)) return false;
    return true;
}

bool is_public6(const uint8_t* address) {
    constexpr Network6 mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
    constexpr Network6 translated{{0x00, 0x64, 0xff, 0x9b}, 96};  // NAT64
    if (is_within(address, mapped) || is_within(address, translated)) {
        uint32_t inner = 0;
        std::memcpy(&inner, address + 12, sizeof inner);
        return is_public4(ntohl(inner));
    }
    constexpr Network6 given_out{{0x20}, 3};
    if (!is_within(address, given_out)) return false;
    for (const Network6& network : closed6)
        if (is_within(address, network)) return false;
    return true;
}

}  // namespace

bool is_public_address(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        sockaddr_in four{};
        std::memcpy(&four, &address, sizeof four);
        return is_public4(ntohl(four.sin_addr.s_addr));
    }
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 six{};
        std::memcpy(&six, &address, sizeof six);
        return is_public6(six.sin6_addr.s6_addr);
    }
    return false;
}

}  // namespace tools
