// Makes connect requests for the tests: with or without a device that signs as real ones do.
#pragma once

#include <sodium.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "workers/gateway/device_identity.h"
#include "workers/gateway/frames.h"

namespace connecting {

inline gateway::FrameReading frame_of(const Json& params, const std::string& method = "connect") {
    return gateway::read_request(
        print_json({{"type", "req"}, {"id", "1"}, {"method", method}, {"params", params}}));
}

inline Json params(const std::string& client_id = "cli", const std::string& mode = "cli") {
    return {
        {"minProtocol", 3},
        {"maxProtocol", 3},
        {"client", {{"id", client_id}, {"version", "dev"}, {"platform", "linux"}, {"mode", mode}}}};
}

inline Json with_token(Json made, const std::string& token) {
    made["auth"] = {{"token", token}};
    return made;
}

// An Ed25519 key pair, and what it signs.
class Device {
  public:
    Device() {
        if (sodium_init() < 0) std::abort();
        key_.resize(crypto_sign_PUBLICKEYBYTES);
        secret_.resize(crypto_sign_SECRETKEYBYTES);
        crypto_sign_keypair(bytes(key_), bytes(secret_));
    }

    std::string id() const { return gateway::device_id_of(key_); }
    std::string key() const { return gateway::stored_key(key_); }
    const std::string& raw_key() const { return key_; }

    // Adds a device to the parameters and signs them; an empty nonce makes a version 1 signature.
    Json sign(Json made, const std::string& nonce, int64_t now_ms) const {
        std::string scopes;
        if (made.contains("scopes"))
            for (const Json& scope : made["scopes"])
                scopes += (scopes.empty() ? "" : ",") + scope.get<std::string>();
        const std::string text =
            std::string(nonce.empty() ? "v1" : "v2") + "|" + id() + "|" +
            text_member(made["client"], "id") + "|" + text_member(made["client"], "mode") + "|" +
            text_member(made, "role", "operator") + "|" + scopes + "|" + std::to_string(now_ms) +
            "|" + text_member(member(made, "auth"), "token") + (nonce.empty() ? "" : "|" + nonce);
        made["device"] = {{"id", id()},
                          {"publicKey", key()},
                          {"signature", signature_of(text)},
                          {"signedAt", now_ms}};
        if (!nonce.empty()) made["device"]["nonce"] = nonce;
        return made;
    }

    std::string signature_of(const std::string& text) const {
        std::string signature(crypto_sign_BYTES, '\0');
        crypto_sign_detached(bytes(signature), nullptr,
                             reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                             reinterpret_cast<const unsigned char*>(secret_.data()));
        return gateway::stored_key(signature);
    }

  private:
    static unsigned char* bytes(std::string& text) {
        return reinterpret_cast<unsigned char*>(text.data());
    }
    std::string key_;
    std::string secret_;
};

}  // namespace connecting
