// What the agent of ngrok says: lines of its log (JSON, one object a line), errors on stderr, its
// list of tunnels; and what its errors mean. Pure.
//
// Outside rules: ngrok.com/docs/agent (agent 3, 2026) and ngrok.com/docs/errors; the lines as
// written by the agent 2.3.41 and 3.x.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/result.h"

namespace tunnel {

struct NgrokLine {
    enum class What {
        nothing,
        api,    // the local API listens: `text` is its address
        up,     // reached under `text`
        back,   // the connection to ngrok is there
        lost,   // the connection to ngrok is gone: `text` says why
        error,  // `text` says what
    };
    What what = What::nothing;
    std::string text;
    int code = 0;  // of ERR_NGROK_…, when the line has one
};

NgrokLine read_ngrok_line(std::string_view line);
// "ERR_NGROK_108" anywhere in a text; 0 without.
int ngrok_code_in(std::string_view text);
// The public addresses in an answer of /api/tunnels or /api/endpoints, https first; nothing when it
// is no such answer.
std::optional<std::vector<std::string>> ngrok_urls(const std::string& json);

// What an error means for who starts the agent.
struct NgrokVerdict {
    // Set: not to be tried again, with what the owner can do.
    std::optional<Error> fatal;
    std::chrono::milliseconds least_wait{0};
};
NgrokVerdict judge_ngrok(int code, std::string_view text);

// The port in "127.0.0.1:4040"; 0 when it is no address on loopback.
uint16_t loopback_port_in(std::string_view address);

}  // namespace tunnel
