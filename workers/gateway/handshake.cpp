#include "workers/gateway/handshake.h"

#include <cstdlib>
#include <optional>

#include "workers/gateway/device_identity.h"

namespace gateway {

namespace {

constexpr int64_t longest_signature_age_ms = 600'000;

// One connect on its way through the checks.
struct Attempt {
    const GatewaySettings& settings;
    const SharedAuth& auth;
    PairingStore& pairing;
    AttemptLimiter& limiter;
    const RequestSource& source;
    const std::string& nonce;
    int64_t now_ms;
    int64_t tick_ms;

    ConnectParams params = {};
    // What it asks for, then what it is granted.
    std::vector<std::string> scopes = {};
    std::string raw_key = {};
    // Under which its failure counts.
    std::string limiter_source = {};
    Credential by = Credential::shared_secret;
    bool newly_paired = false;
    std::optional<bool> is_signed = {};  // computed once: it costs more than all else together

    bool bypassed() const {
        return params.is_control_ui() &&
               (settings.allow_insecure_auth || settings.disable_device_auth);
    }
    bool shows_secret() const { return !params.token.empty() || !params.password.empty(); }
    DeviceClaim claim() const;
};

using MaybeRefusal = std::optional<Refusal>;

DeviceClaim Attempt::claim() const {
    DeviceClaim made;
    made.device_id = params.device->id;
    made.public_key = stored_key(raw_key);
    made.display_name = params.display_name;
    made.platform = params.platform;
    made.client_id = params.client_id;
    made.client_mode = params.client_mode;
    made.role = params.role;
    made.scopes = scopes;
    made.remote_ip = source.local ? "" : source.address;
    return made;
}

Refusal refuse(std::string message, std::string cause = {}) {
    Refusal refusal{invalid_request(std::move(message))};
    refusal.cause = std::move(cause);
    return refusal;
}

Refusal not_paired(std::string message, std::string cause, std::string details = {}) {
    Refusal refusal{{std::string(code::not_paired), std::move(message), std::move(details)}};
    refusal.cause = std::move(cause);
    return refusal;
}

MaybeRefusal protocol_fits(Attempt& attempt) {
    const ConnectParams& params = attempt.params;
    if (params.min_protocol <= protocol_version && protocol_version <= params.max_protocol)
        return {};
    Refusal refusal = refuse("protocol mismatch", "protocol_mismatch");
    refusal.failure.details_json =
        R"({"expectedProtocol":)" + std::to_string(protocol_version) + "}";
    refusal.close_code = close_protocol;
    return refusal;
}

MaybeRefusal role_is_known(Attempt& attempt) {
    const std::string& role = attempt.params.role;
    if (role == "operator" || role == "node") return {};
    return refuse("invalid role", "invalid_role");
}

MaybeRefusal device_is_not_needed(Attempt& attempt) {
    ConnectParams& params = attempt.params;
    if (params.is_control_ui() && attempt.settings.disable_device_auth) params.device.reset();
    if (params.device) return {};
    if (params.is_control_ui() && !attempt.bypassed())
        return refuse("control ui requires HTTPS or localhost (secure context)",
                      "insecure_context");
    if (params.is_node() || !attempt.shows_secret())
        return not_paired("device identity required", "device_required");
    return {};
}

MaybeRefusal device_id_is_its_key(Attempt& attempt) {
    if (!attempt.params.device) return {};
    const auto key = raw_public_key(attempt.params.device->public_key);
    if (!key || device_id_of(*key) != attempt.params.device->id)
        return refuse("device identity mismatch", "device_mismatch");
    attempt.raw_key = *key;
    return {};
}

MaybeRefusal signature_is_recent(Attempt& attempt) {
    if (!attempt.params.device) return {};
    const int64_t signed_at = attempt.params.device->signed_at;
    // Not by subtraction: the client's number may be anything.
    const bool recent = signed_at >= attempt.now_ms - longest_signature_age_ms &&
                        signed_at <= attempt.now_ms + longest_signature_age_ms;
    if (recent) return {};
    return refuse("device signature expired", "device_signature_stale");
}

MaybeRefusal nonce_is_ours(Attempt& attempt) {
    if (!attempt.params.device) return {};
    const auto& nonce = attempt.params.device->nonce;
    if (!nonce && attempt.source.local) return {};
    if (!nonce) return refuse("device nonce required", "device_nonce_missing");
    if (*nonce != attempt.nonce) return refuse("device nonce mismatch", "device_nonce_mismatch");
    return {};
}

MaybeRefusal signature_is_valid(Attempt& attempt) {
    if (!attempt.params.device) return {};
    const DeviceProof& proof = *attempt.params.device;
    if (!attempt.is_signed)
        attempt.is_signed =
            signature_holds(attempt.raw_key, signed_text(attempt.params, proof), proof.signature);
    if (*attempt.is_signed) return {};
    return refuse("device signature invalid", "device_signature");
}

// Whoever has the key of a paired device.
bool is_paired_device(Attempt& attempt) {
    if (!attempt.params.device || !attempt.params.device->nonce) return false;
    for (const auto check : {device_id_is_its_key, signature_is_recent, nonce_is_ours})
        if (check(attempt)) return false;
    // Known before its signature is computed: strangers cost no more than a look.
    return attempt.pairing.knows(attempt.params.device->id, stored_key(attempt.raw_key)) &&
           !signature_is_valid(attempt);
}

// Before any branch that depends on what the client sent: a guess must cost the same whatever
// else is in it. Two get in however many others fail from the same address, which behind a proxy
// is everybody's: a paired device, which has proved with its signature who it is and answers for
// its own failures, and who holds a token that guessing does not find.
MaybeRefusal not_too_many_failures(Attempt& attempt) {
    const ConnectParams& params = attempt.params;
    attempt.limiter_source = is_paired_device(attempt)
                                 ? AttemptLimiter::source_of_device(params.device->id)
                                 : attempt.source.limiter_key;
    const int64_t wait = attempt.limiter.wait_ms(attempt.limiter_source, attempt.tick_ms);
    if (wait == 0) return {};
    if (attempt.auth.is_beyond_guessing() && attempt.auth.accepts(params.token, params.password))
        return {};
    const int64_t seconds = (wait + 999) / 1000;
    Refusal refusal = refuse(
        "unauthorized: too many failed attempts; try again in " + std::to_string(seconds) + " s",
        "rate_limited");
    refusal.failure.retryable = true;
    refusal.failure.retry_after_ms = wait;
    return refusal;
}

std::string auth_message(const ConnectParams& params, std::string_view reason, AuthMode mode) {
    const bool missing = reason.find("missing") != std::string_view::npos;
    const std::string what = mode == AuthMode::token ? "token" : "password";
    std::string hint = "give the gateway " + what;
    if (params.is_control_ui() || params.is_web_chat())
        hint = mode == AuthMode::token ? "open the address that `hardshell dashboard` prints"
                                       : "enter the password in the page's settings";
    else if (params.client_id == "cli")
        hint = "gateway.remote." + what + " must match gateway.auth." + what;
    return "unauthorized: gateway " + what + (missing ? " missing" : " mismatch") + " (" + hint +
           ")";
}

MaybeRefusal credential_is_right(Attempt& attempt) {
    const ConnectParams& params = attempt.params;
    Offer offer{params.role, params.scopes, params.token, params.password, {}, {}};
    if (params.device) offer.device = attempt.claim();
    offer.tailscale_login = attempt.source.tailscale_login;
    auto outcome = authenticate(offer, attempt.auth, attempt.pairing);
    if (Grant* grant = std::get_if<Grant>(&outcome)) {
        attempt.scopes = std::move(grant->scopes);
        attempt.by = grant->by;
        return {};
    }
    const Denial& denial = std::get<Denial>(outcome);
    // A client that shows nothing guesses nothing.
    if (denial.is_guess) attempt.limiter.failed(attempt.limiter_source, attempt.tick_ms);
    return refuse(auth_message(params, denial.cause, attempt.auth.mode()),
                  std::string(denial.cause));
}

Refusal store_failed(const Error& error) {
    Refusal refusal{unavailable(error.what, true)};
    refusal.cause = "pairing_store";
    return refusal;
}

// Clients show the message, or the close reason, which holds 120 bytes of it: what to type comes
// first.
Refusal pairing_required(const std::string& request_id, const GatewaySettings& settings) {
    const std::string command = "hardshell devices approve " + request_id;
    const std::string where = settings.fly_app.empty()
                                  ? " where the gateway runs"
                                  : " in `fly ssh console -a " + settings.fly_app + "`";
    return not_paired("pairing required: run `" + command + "`" + where, "pairing_required",
                      print_json({{"requestId", request_id}, {"command", command}}));
}

MaybeRefusal device_is_paired(Attempt& attempt) {
    if (!attempt.params.device) return {};
    if (attempt.bypassed() && attempt.by == Credential::shared_secret) return {};
    const DeviceClaim claim = attempt.claim();
    if (attempt.pairing.is_paired(claim)) return {};
    const bool silent = attempt.source.local;
    const Result<std::string> id = attempt.pairing.request(claim, silent, attempt.now_ms);
    if (!id) return store_failed(id.error());
    if (!silent) return pairing_required(*id, attempt.settings);
    const Result<Json> approved = attempt.pairing.approve(*id, attempt.now_ms);
    if (!approved) return store_failed(approved.error());
    attempt.newly_paired = true;
    return {};
}

using Check = MaybeRefusal (*)(Attempt&);
// The first one that refuses decides.
constexpr Check checks[] = {
    not_too_many_failures, protocol_fits,       role_is_known, device_is_not_needed,
    device_id_is_its_key,  signature_is_recent, nonce_is_ours, signature_is_valid,
    credential_is_right,   device_is_paired,
};

Verdict admit(Attempt& attempt) {
    Admission admission;
    if (attempt.params.device) {
        const DeviceClaim claim = attempt.claim();
        admission.device_id = claim.device_id;
        if (attempt.by == Credential::device_token)
            attempt.pairing.token_was_used(claim.device_id, claim.role, attempt.now_ms);
        if (attempt.pairing.is_paired(claim)) {
            // The metadata is for the owner's eyes; failing to store it must keep nobody out.
            (void)attempt.pairing.remember(claim);
            Result<DeviceToken> token = attempt.pairing.token_for(claim, attempt.now_ms);
            if (!token) return store_failed(token.error());
            admission.token = std::move(*token);
        }
    }
    admission.by = attempt.by;
    admission.newly_paired = attempt.newly_paired;
    admission.role = attempt.params.role;
    admission.scopes = std::move(attempt.scopes);
    admission.params = std::move(attempt.params);
    return admission;
}

// What can be said before the parameters may be read.
MaybeRefusal frame_refusal(const FrameReading& frame) {
    if (frame.outcome == FrameReading::Outcome::no_json) {
        Refusal refusal = refuse("", "invalid_json");
        refusal.close_code = close_normal;
        refusal.answered = false;
        return refusal;
    }
    if (frame.outcome == FrameReading::Outcome::no_request) {
        Refusal refusal = refuse("invalid request frame", "invalid_frame");
        refusal.answered = false;
        return refusal;
    }
    if (frame.request.method != "connect")
        return refuse("invalid handshake: first request must be connect", "no_connect");
    const std::string faults = connect_faults(frame.request.params);
    if (!faults.empty()) return refuse("invalid connect params: " + faults, "invalid_params");
    return {};
}

}  // namespace

Verdict Handshake::decide(const FrameReading& frame, const RequestSource& source,
                          const std::string& nonce, int64_t now_ms, int64_t tick_ms) {
    if (const MaybeRefusal refusal = frame_refusal(frame)) return *refusal;
    Attempt attempt{settings_, auth_, pairing_, limiter_, source, nonce, now_ms, tick_ms};
    attempt.params = read_connect_params(frame.request.params);
    attempt.scopes =
        attempt.params.scopes.empty() ? default_scopes(attempt.params.role) : attempt.params.scopes;
    for (const Check check : checks)
        if (const MaybeRefusal refusal = check(attempt)) return *refusal;
    return admit(attempt);
}

}  // namespace gateway
