// Whatever a stranger sends as the first message: it may be refused, never more.

#include <sodium.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "workers/gateway/handshake.h"

using namespace gateway;

namespace {

// Refused for want of a credential at the latest, so that nothing is ever written to disk.
struct Gate {
    GatewaySettings settings;
    SharedAuth auth{AuthMode::token, Secret("a secret that no input contains"), Secret()};
    PairingStore pairing{"/nonexistent/devices"};
};

void check(bool holds) {
    if (!holds) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const bool ready = sodium_init() >= 0;
    check(ready);
    static Gate gate;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const FrameReading frame = read_request(text);
    check(frame.outcome != FrameReading::Outcome::request || !frame.request.method.empty());
    check((frame.outcome == FrameReading::Outcome::request) == frame.faults.empty());

    AttemptLimiter limiter;
    RequestSource source;
    source.local = size % 2 == 0;
    const Verdict verdict = Handshake(gate.settings, gate.auth, gate.pairing, limiter)
                                .decide(frame, source, "nonce", 1'800'000'000'000, 1);
    const auto* refusal = std::get_if<Refusal>(&verdict);
    check(refusal != nullptr);
    // What is answered is itself a frame.
    check(static_cast<bool>(parse_json(failure_text(frame.id, refusal->failure))));
    return 0;
}
