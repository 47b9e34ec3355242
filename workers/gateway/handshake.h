// Decides who may come in: the checks on `connect`, in their fixed order, as a table.
//
// Pure but for the pairing store and the limiter it is given. Nothing a client says about itself
// grants anything; the credential it shows decides.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "workers/gateway/authentication.h"
#include "workers/gateway/connect_params.h"
#include "workers/gateway/credentials.h"
#include "workers/gateway/frames.h"
#include "workers/gateway/gateway_settings.h"
#include "workers/gateway/pairing_store.h"
#include "workers/gateway/request_source.h"

namespace gateway {

inline constexpr int close_normal = 1000;
inline constexpr int close_protocol = 1002;
inline constexpr int close_policy = 1008;
inline constexpr int close_too_big = 1009;
inline constexpr int close_restart = 1012;
// A close frame holds 125 bytes, two of them the code.
inline constexpr size_t longest_close_reason = 120;

struct Refusal {
    Failure failure;
    int close_code = close_policy;
    // Sent before the close; not for what is no request frame.
    bool answered = true;
    // For the log: "token_mismatch", …
    std::string cause = {};
};

struct Admission {
    ConnectParams params;
    Credential by = Credential::shared_secret;
    // What the client may do, as decided here.
    std::string role;
    std::vector<std::string> scopes;
    // Empty without a device; then there is no token either.
    std::string device_id;
    DeviceToken token;
    bool newly_paired = false;
};

using Verdict = std::variant<Admission, Refusal>;

class Handshake {
  public:
    Handshake(const GatewaySettings& settings, const SharedAuth& auth, PairingStore& pairing,
              AttemptLimiter& limiter)
        : settings_(settings), auth_(auth), pairing_(pairing), limiter_(limiter) {}

    // `now_ms` is the wall clock, `tick_ms` the monotonic one.
    Verdict decide(const FrameReading& frame, const RequestSource& source, const std::string& nonce,
                   int64_t now_ms, int64_t tick_ms);

  private:
    const GatewaySettings& settings_;
    const SharedAuth& auth_;
    PairingStore& pairing_;
    AttemptLimiter& limiter_;
};

}  // namespace gateway
