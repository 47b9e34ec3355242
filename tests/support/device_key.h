// An Ed25519 device identity, as the stock clients make one.
#pragma once

#include <array>
#include <cstdint>
#include <string>

class DeviceKey {
  public:
    DeviceKey();  // a new key pair

    std::string id() const;          // hex SHA-256 of the public key
    std::string public_key() const;  // base64url
    std::string sign(const std::string& text) const;

  private:
    std::array<unsigned char, 32> public_{};
    std::array<unsigned char, 64> secret_{};
};
