// Who really sent a webhook: the signatures of Twilio, Telnyx and Plivo. Pure.
//
// Promises: nothing of a request is believed before its signature is found right; it is computed
// over the public address that the owner or the tunnel told, never over one that a header names;
// without the key nothing is right; comparisons take the same time whatever they compare; the same
// message has the same replay key however its parts are ordered or written.
//
// Rules: twilio.com/docs/usage/security, developers.telnyx.com "webhook signing", plivo.com
// "signature validation V3".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/common/base/result.h"
#include "workers/common/base/secret.h"

namespace voice {

struct SignedRequest {
    // As the provider was told it: scheme, host, path; without a query.
    std::string public_url;
    std::string query;  // of this request, without `?`
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case

    // The first of that name; empty when there is none.
    std::string_view header(std::string_view name) const;
    bool has_json() const;
};

struct Verified {
    // SHA-256 of what was signed: the same for every repetition of the message, and only for it.
    std::string replay_key;
};

// All of them: bad_credentials, with the reason for the log, when the request is not the
// provider's; bad_message when it cannot be read. The reason never holds a key or a signature.

// base64(HMAC-SHA1(token, URL + names and values of the form, sorted)); a JSON body is signed by
// `bodySHA256` in the query.
Result<Verified> verify_twilio(const SignedRequest& request, const Secret& auth_token);
// Ed25519 over "<timestamp>|<body>"; the timestamp may be telnyx_window off.
Result<Verified> verify_telnyx(const SignedRequest& request, const std::string& public_key,
                               int64_t now_s);
// Version 3 only: version 2 does not sign the body.
Result<Verified> verify_plivo(const SignedRequest& request, const Secret& auth_token);

inline constexpr int64_t telnyx_window_s = 300;

// The 32 bytes of a key as Telnyx' portal shows it: base64 of these, or of their SPKI form.
// bad_config: it is neither.
Result<std::string> telnyx_key(std::string_view text);

// What the schemes sign, for those who sign: doubles and tests.
std::string twilio_base(std::string_view url, std::string_view form_body);
std::string twilio_signature(const Secret& auth_token, std::string_view base);
std::string plivo_base(std::string_view url, std::string_view query, std::string_view form_body);
std::string plivo_signature(const Secret& auth_token, std::string_view base,
                            std::string_view nonce);

}  // namespace voice
