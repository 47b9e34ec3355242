#include "workers/gateway/authentication.h"

namespace gateway {

namespace {

std::vector<std::string> asked_or_default(const Offer& offer) {
    return offer.scopes.empty() ? default_scopes(offer.role) : offer.scopes;
}

std::optional<Grant> by_shared_secret(const Offer& offer, const SharedAuth& shared,
                                      const PairingStore&) {
    if (!offer.device && offer.role == "node") return {};
    if (!shared.accepts(offer.token, offer.password)) return {};
    return Grant{Credential::shared_secret, asked_or_default(offer)};
}

std::optional<Grant> by_device_token(const Offer& offer, const SharedAuth&,
                                     const PairingStore& devices) {
    if (!offer.device || offer.token.empty()) return {};
    const auto granted = devices.scopes_of_token(offer.device->device_id, offer.device->public_key,
                                                 offer.role, offer.token);
    if (!granted || !covers(*granted, offer.scopes)) return {};
    return Grant{Credential::device_token, offer.scopes.empty() ? *granted : offer.scopes};
}

// Without a device there would be nothing that the owner could approve, or take back.
std::optional<Grant> by_tailscale(const Offer& offer, const SharedAuth&, const PairingStore&) {
    if (!offer.device || offer.tailscale_login.empty()) return {};
    return Grant{Credential::tailscale, asked_or_default(offer)};
}

using Way = std::optional<Grant> (*)(const Offer&, const SharedAuth&, const PairingStore&);
// The first one that grants decides.
constexpr Way ways[] = {by_shared_secret, by_device_token, by_tailscale};

}  // namespace

std::string_view name_of(Credential credential) {
    switch (credential) {
        case Credential::shared_secret:
            return "shared secret";
        case Credential::device_token:
            return "device token";
        case Credential::tailscale:
            return "Tailscale login";
    }
    return "unknown";
}

std::variant<Grant, Denial> authenticate(const Offer& offer, const SharedAuth& shared,
                                         const PairingStore& devices) {
    for (const Way way : ways)
        if (auto grant = way(offer, shared, devices)) return std::move(*grant);
    const bool shows_something = !offer.token.empty() || !offer.password.empty();
    return Denial{shared.reason(offer.token, offer.password), shows_something};
}

std::vector<std::string> default_scopes(const std::string& role) {
    if (role == "node") return {};
    return {"operator.admin"};
}

}  // namespace gateway
