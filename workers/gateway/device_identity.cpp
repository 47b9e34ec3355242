#include "workers/gateway/device_identity.h"

#include <sodium.h>

#include <array>

namespace gateway {

namespace {

constexpr size_t key_size = crypto_sign_PUBLICKEYBYTES;
// DER of SubjectPublicKeyInfo for Ed25519, up to the key itself (RFC 8410).
constexpr std::string_view spki_prefix{"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12};

std::optional<std::string> decode_base64(std::string_view text, int variant) {
    std::string bytes(text.size(), '\0');
    size_t length = 0;
    const char* end = nullptr;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), " \r\n", &length, &end, variant) != 0 ||
        end != text.data() + text.size())
        return {};
    bytes.resize(length);
    return bytes;
}

std::optional<std::string> decode_base64url(std::string_view text) {
    if (text.empty() || text.size() > 4096) return {};
    // Some clients write the standard alphabet, some pad.
    std::string plain;
    for (const char letter : text)
        if (letter != '=') plain += letter == '+' ? '-' : letter == '/' ? '_' : letter;
    return decode_base64(plain, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

std::optional<std::string> decode_pem(std::string_view text) {
    constexpr std::string_view head = "-----BEGIN PUBLIC KEY-----";
    constexpr std::string_view tail = "-----END PUBLIC KEY-----";
    const size_t begin = text.find(head);
    const size_t end = text.find(tail);
    if (begin == std::string_view::npos || end == std::string_view::npos ||
        end < begin + head.size() || text.size() > 4096)
        return {};
    const auto body = text.substr(begin + head.size(), end - begin - head.size());
    const auto der = decode_base64(body, sodium_base64_VARIANT_ORIGINAL);
    if (!der || der->size() != spki_prefix.size() + key_size ||
        der->compare(0, spki_prefix.size(), spki_prefix) != 0)
        return {};
    return der->substr(spki_prefix.size());
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string lower_hex(std::string_view bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        text += digits[static_cast<unsigned char>(byte) >> 4];
        text += digits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

std::string random_hex(size_t bytes) {
    std::string raw(bytes, '\0');
    randombytes_buf(raw.data(), raw.size());
    return lower_hex(raw);
}

std::string random_uuid() {
    std::array<unsigned char, 16> raw{};
    randombytes_buf(raw.data(), raw.size());
    raw[6] = static_cast<unsigned char>((raw[6] & 0x0f) | 0x40);
    raw[8] = static_cast<unsigned char>((raw[8] & 0x3f) | 0x80);
    std::string text = lower_hex({reinterpret_cast<const char*>(raw.data()), raw.size()});
    for (const size_t at : {size_t{20}, size_t{16}, size_t{12}, size_t{8}}) text.insert(at, 1, '-');
    return text;
}

std::optional<std::string> raw_public_key(std::string_view text) {
    auto key =
        text.find("BEGIN") == std::string_view::npos ? decode_base64url(text) : decode_pem(text);
    if (!key || key->size() != key_size) return {};
    return key;
}

std::string device_id_of(std::string_view raw_key) {
    std::string digest(crypto_hash_sha256_BYTES, '\0');
    crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()), bytes_of(raw_key),
                       raw_key.size());
    return lower_hex(digest);
}

std::string stored_key(std::string_view raw_key) {
    constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string text(sodium_base64_encoded_len(raw_key.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes_of(raw_key), raw_key.size(), variant);
    text.pop_back();  // the terminating zero
    return text;
}

std::string signed_text(const ConnectParams& params, const DeviceProof& proof) {
    std::string scopes;
    for (const std::string& scope : params.scopes) scopes += (scopes.empty() ? "" : ",") + scope;
    std::string text = proof.nonce ? "v2" : "v1";
    for (const std::string& part : {proof.id, params.client_id, params.client_mode, params.role,
                                    scopes, std::to_string(proof.signed_at), params.token.reveal()})
        text += "|" + part;
    if (proof.nonce) text += "|" + *proof.nonce;
    return text;
}

bool signature_holds(std::string_view raw_key, std::string_view text, std::string_view signature) {
    const auto bytes = decode_base64url(signature);
    if (!bytes || bytes->size() != crypto_sign_BYTES || raw_key.size() != key_size) return false;
    return crypto_sign_verify_detached(bytes_of(*bytes), bytes_of(text), text.size(),
                                       bytes_of(raw_key)) == 0;
}

}  // namespace gateway
