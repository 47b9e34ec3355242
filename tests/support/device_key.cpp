#include "tests/support/device_key.h"

#include <sodium.h>

#include <cstdlib>

namespace {

std::string base64url(const unsigned char* bytes, size_t size) {
    constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string text(sodium_base64_encoded_len(size, variant), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes, size, variant);
    text.pop_back();  // the final NUL
    return text;
}

}  // namespace

DeviceKey::DeviceKey() {
    if (sodium_init() < 0) std::abort();
    crypto_sign_keypair(public_.data(), secret_.data());
}

std::string DeviceKey::id() const {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, public_.data(), public_.size());
    char hex[2 * sizeof digest + 1];
    return sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
}

std::string DeviceKey::public_key() const {
    return base64url(public_.data(), public_.size());
}

std::string DeviceKey::sign(const std::string& text) const {
    unsigned char signature[crypto_sign_BYTES];
    crypto_sign_detached(signature, nullptr, reinterpret_cast<const unsigned char*>(text.data()),
                         text.size(), secret_.data());
    return base64url(signature, sizeof signature);
}
