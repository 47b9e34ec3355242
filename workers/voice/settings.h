// What the owner says about telephone calls: plugins.entries.voice-call of openclaw.json.
//
// Pure. Everything that is missing or wrong is named at once, by its whole key.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/common/base/secret.h"
#include "workers/voice/phone_number.h"

namespace voice {

enum class ProviderName { none, twilio, telnyx, plivo };
enum class Mode { notify, conversation };

// Calls whose sound comes and goes by a WebSocket: it is written down and spoken by OpenAI.
struct Streaming {
    bool enabled = false;  // and everything that it needs is there
    std::string path = "/voice/stream";
    std::string api_url = "https://api.openai.com";
    Secret hearing_key;
    std::string hearing_model = "gpt-4o-transcribe";
    std::chrono::milliseconds silence{800};  // after which somebody has finished speaking
    double threshold = 0.5;                  // from 0 to 1: how loud speech is
    Secret speaking_key;
    std::string speaking_model = "gpt-4o-mini-tts";
    std::string voice = "alloy";
};

struct Settings {
    ProviderName provider = ProviderName::none;
    std::string from_number;
    std::string to_number;
    // Twilio: account SID; Plivo: auth id; Telnyx: connection id.
    std::string account;
    // Twilio, Plivo: auth token, with which they sign, too; Telnyx: API key.
    Secret key;
    std::string telnyx_public_key;  // 32 bytes
    std::string api_url;            // without the account

    InboundPolicy inbound = InboundPolicy::disabled;
    std::vector<std::string> allow_from;
    std::string greeting = "Hello! How can I help you today?";
    Mode outbound_mode = Mode::notify;
    std::chrono::seconds hang_up_delay{3};
    std::chrono::seconds longest_call{300};
    size_t most_calls = 1;
    std::chrono::milliseconds ring_timeout{30'000};
    std::chrono::milliseconds transcript_timeout{180'000};
    std::chrono::milliseconds response_timeout{30'000};
    std::string response_prompt;
    std::string response_model;  // empty: the agent's own

    std::string public_url;  // of the webhook, whole; empty: a tunnel tells it
    std::string webhook_path = "/voice/webhook";
    bool has_tunnel = false;
    Streaming streaming;

    // Whom the model may have called, see may_be_called(), and how much anybody may in all.
    std::vector<std::string> destinations;
    size_t calls_per_hour = 20;
    std::chrono::minutes minutes_per_day{180};

    // What the owner should know, and what has to be changed before anything works.
    std::vector<std::string> remarks;
    std::vector<std::string> problems;
};

// The secret of that name ("plugins.entries.voice-call.config.twilio.authToken"), or an empty one.
using Secrets = std::function<Secret(const std::string& name)>;
// HARDSHELL_* and FLY_APP_NAME.
using Variables = std::map<std::string, std::string>;

Settings read_settings(const Json& config, const Secrets& secrets, const Variables& variables);

// "twilio"
const char* name_of(ProviderName provider);
// All problems in one line, for the owner.
std::string problems_text(const Settings& settings);

inline constexpr const char* config_key = "plugins.entries.voice-call.config";

}  // namespace voice
