#include "workers/tools/address_guard.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace tools {

namespace {

bool is_public(const char* text) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
        return is_public_address(reinterpret_cast<const sockaddr&>(six));
    sockaddr_in four{};
    four.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, text, &four.sin_addr), 1) << text;
    return is_public_address(reinterpret_cast<const sockaddr&>(four));
}

}  // namespace

TEST(AddressGuard, LetsPublicAddressesPass) {
    for (const char* address :
         {"1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.255.255",
          "100.128.0.0", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001:830::200e",
          "::ffff:1.1.1.1", "64:ff9b::8.8.8.8"})
        EXPECT_TRUE(is_public(address)) << address;
}

TEST(AddressGuard, HoldsWhatIsOfAMachineOrANetwork) {
    for (const char* address : {"127.0.0.1",
                                "127.255.255.254",
                                "0.0.0.0",
                                "10.1.2.3",
                                "172.16.0.1",
                                "172.31.255.255",
                                "192.168.1.1",
                                "169.254.169.254",
                                "100.64.0.1",
                                "100.127.255.255",
                                "198.18.0.1",
                                "224.0.0.1",
                                "240.0.0.1",
                                "255.255.255.255",
                                "192.0.2.1",
                                "::1",
                                "::",
                                "fe80::1",
                                "fc00::1",
                                "fdaa:0:1::3",
                                "ff02::1",
                                "::ffff:127.0.0.1",
                                "::ffff:10.0.0.1",
                                "::ffff:169.254.169.254",
                                "64:ff9b::7f00:1",
                                "64:ff9b::10.0.0.1",
                                "2002:7f00:1::",
                                "2001:db8::1",
                                "2001::1",
                                "::127.0.0.1",
                                "3fff::1"})
        EXPECT_FALSE(is_public(address)) << address;
}

TEST(AddressGuard, HoldsOtherFamilies) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr&>(local)));
}

}  // namespace tools
