// Whether what a client shows lets it in, and with which scopes: the one place that decides it.
//
// Everything in an offer has been verified before it gets here: the device has signed our
// challenge, tailscaled has named the login. Where a client comes from grants nothing; being local
// only makes its pairing silent, and that is decided afterwards.
//
//   shows                        device    gets
//   the owner's token, password  none      the scopes it asks for (no node without a device)
//   the owner's token, password  proved    the same, once the device is paired for them
//   a device's token             paired    scopes of that token only
//   a Tailscale login            proved    what it asks for, once the device is paired for it
//   anything else                any       nothing
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "workers/gateway/credentials.h"
#include "workers/gateway/pairing_store.h"

namespace gateway {

struct Offer {
    std::string role;
    // As asked for; empty: whatever the credential gives.
    std::vector<std::string> scopes;
    Secret token;
    Secret password;
    // Only with a valid signature over our challenge.
    std::optional<DeviceClaim> device;
    // Whom tailscaled knows behind the address that the request came from; empty: nobody.
    std::string tailscale_login;
};

enum class Credential { shared_secret, device_token, tailscale };
std::string_view name_of(Credential credential);

struct Grant {
    Credential by;
    std::vector<std::string> scopes;
};

struct Denial {
    // "token_missing", "token_mismatch", "password_missing", "password_mismatch".
    std::string_view cause;
    // Something was shown, and it was wrong.
    bool is_guess = false;
};

std::variant<Grant, Denial> authenticate(const Offer& offer, const SharedAuth& shared,
                                         const PairingStore& devices);

// What a role has that asks for nothing.
std::vector<std::string> default_scopes(const std::string& role);

}  // namespace gateway
