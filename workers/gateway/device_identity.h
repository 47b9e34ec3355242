// A device proves itself with an Ed25519 key: its id is the hash of the key, and it signs what it
// asks for together with the server's challenge.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workers/gateway/connect_params.h"

namespace gateway {

// The 32 raw bytes of a key given as base64url (padding allowed) or as PEM (SPKI).
std::optional<std::string> raw_public_key(std::string_view text);
// Lower-case hex SHA-256 of the raw key.
std::string device_id_of(std::string_view raw_key);
// The form in which keys are stored: base64url without padding.
std::string stored_key(std::string_view raw_key);

// What the device must have signed: version 1, or 2 when a nonce was sent.
std::string signed_text(const ConnectParams& params, const DeviceProof& proof);
bool signature_holds(std::string_view raw_key, std::string_view text, std::string_view signature);

std::string lower_hex(std::string_view bytes);
// `bytes` random bytes as hex.
std::string random_hex(size_t bytes);
// A random version 4 UUID.
std::string random_uuid();

}  // namespace gateway
