#include "workers/voice/settings.h"

#include <algorithm>
#include <charconv>

#include "workers/voice/signatures.h"

namespace voice {

namespace {

struct ProviderRow {
    ProviderName provider;
    const char* name;
    const char* api_url;
    const char* api_variable;
    // Key and variable of the account and of the secret; the variables are read by the planner.
    const char* account_key;
    const char* account_variable;
    const char* secret_key;
    const char* secret_variable;
};
// clang-format off
constexpr ProviderRow providers[] = {
    // provider, name, API, its variable, account, its variable, secret, its variable
    {ProviderName::twilio, "twilio", "https://api.twilio.com", "HARDSHELL_TWILIO_API_URL",
     "twilio.accountSid", "TWILIO_ACCOUNT_SID", "twilio.authToken", "TWILIO_AUTH_TOKEN"},
    {ProviderName::telnyx, "telnyx", "https://api.telnyx.com", "HARDSHELL_TELNYX_API_URL",
     "telnyx.connectionId", "TELNYX_CONNECTION_ID", "telnyx.apiKey", "TELNYX_API_KEY"},
    {ProviderName::plivo, "plivo", "https://api.plivo.com", "HARDSHELL_PLIVO_API_URL",
     "plivo.authId", "PLIVO_AUTH_ID", "plivo.authToken", "PLIVO_AUTH_TOKEN"},
};
// clang-format on

constexpr int64_t longest_ms = 3'600'000;

class Reader {
  public:
    Reader(const Json& config, const Secrets& secrets, const Variables& variables)
        : own_(member(member(member_at(config, "plugins.entries"), "voice-call"), "config")),
          secrets_(secrets),
          variables_(variables) {}

    Settings read() {
        read_provider();
        read_numbers();
        read_policy();
        read_times();
        read_address();
        read_limits();
        if (bool_member(member(own_, "streaming"), "enabled")) read_streaming();
        note_what_is_not_done();
        return std::move(settings_);
    }

  private:
    static std::string key(const std::string& name) { return std::string(config_key) + "." + name; }
    void problem(const std::string& name, const std::string& text) {
        settings_.problems.push_back(key(name) + " " + text);
    }
    void remark(const std::string& name, const std::string& text) {
        settings_.remarks.push_back(key(name) + " " + text);
    }
    std::string text(const char* path) const {
        const Json& value = member_at(own_, path);
        return value.is_string() ? value.get<std::string>() : std::string();
    }
    Secret secret(const std::string& name) const { return secrets_(key(name)); }
    std::string variable(const char* name) const {
        const auto found = variables_.find(name);
        return found == variables_.end() ? std::string() : found->second;
    }

    void read_provider() {
        const std::string name = text("provider");
        if (name.empty()) return problem("provider", "is required: twilio, telnyx or plivo");
        for (const ProviderRow& row : providers)
            if (name == row.name) return read_account(row);
        if (name == "mock" || name == "log")
            return problem("provider", "\"" + name +
                                           "\" would take calls from anybody, unsigned, and is not "
                                           "offered here: use twilio, telnyx or plivo");
        problem("provider", "\"" + name + "\" is not known: use twilio, telnyx or plivo");
    }

    void read_account(const ProviderRow& row) {
        settings_.provider = row.provider;
        settings_.account = text(row.account_key);
        settings_.key = secret(row.secret_key);
        const std::string url = variable(row.api_variable);
        settings_.api_url = url.empty() ? row.api_url : url;
        if (settings_.account.empty())
            problem(row.account_key,
                    "is required (or set " + std::string(row.account_variable) + " env)");
        if (settings_.key.empty())
            problem(row.secret_key,
                    "is required (or set " + std::string(row.secret_variable) + " env)");
        if (row.provider == ProviderName::telnyx) read_telnyx_key();
    }

    void read_telnyx_key() {
        const Secret configured = secret("telnyx.publicKey");
        if (configured.empty())
            return problem("telnyx.publicKey",
                           "is required (or set TELNYX_PUBLIC_KEY env): without it anybody could "
                           "send events of calls");
        Result<std::string> raw = telnyx_key(configured.reveal());
        if (!raw) return problem("telnyx.publicKey", raw.error().what);
        settings_.telnyx_public_key = std::move(*raw);
    }

    void read_number(const char* name, std::string value, std::string& into) {
        if (!value.empty() && !is_e164(value))
            return problem(name, "\"" + value + "\" is no number like +15550001234");
        into = std::move(value);
    }

    void read_numbers() {
        std::string from = text("fromNumber");
        if (from.empty() && !text("twilio.from").empty()) {
            remark("twilio.from", "is an old name: use fromNumber");
            from = text("twilio.from");
        }
        if (from.empty())
            problem("fromNumber", "is required: your number with the provider, like +15550001234");
        read_number("fromNumber", std::move(from), settings_.from_number);
        read_number("toNumber", text("toNumber"), settings_.to_number);
    }

    void read_policy() {
        const std::string policy = text("inboundPolicy");
        if (policy == "allowlist" || policy == "pairing")
            settings_.inbound = InboundPolicy::allow_list;
        else if (policy == "open")
            settings_.inbound = InboundPolicy::open;
        else if (!policy.empty() && policy != "disabled")
            problem("inboundPolicy",
                    "\"" + policy + "\" is not known: use disabled, allowlist, pairing or open");
        size_t index = 0;
        for (const Json& entry : member(own_, "allowFrom")) {
            const std::string name = "allowFrom[" + std::to_string(index++) + "]";
            const std::string number = entry.is_string() ? entry.get<std::string>() : "";
            if (is_e164(number))
                settings_.allow_from.push_back(number);
            else
                problem(name, "\"" + number + "\" is no number like +15550001234");
        }
        if (settings_.inbound == InboundPolicy::allow_list && settings_.allow_from.empty())
            remark("allowFrom", "is empty: nobody can call");
        if (settings_.inbound == InboundPolicy::open)
            remark("inboundPolicy", "is open: anybody who knows the number talks to the assistant");
        if (const std::string greeting = text("inboundGreeting"); !greeting.empty())
            settings_.greeting = greeting;
        settings_.response_prompt = text("responseSystemPrompt");
        settings_.response_model = text("responseModel");
        const std::string mode = text("outbound.defaultMode");
        if (mode == "conversation")
            settings_.outbound_mode = Mode::conversation;
        else if (!mode.empty() && mode != "notify")
            problem("outbound.defaultMode", "\"" + mode +
                                                "\" is not known: use notify or "
                                                "conversation");
    }

    // Nothing when it is not set, or not in range, which is a problem.
    template <typename Duration>
    void read_time(const char* path, int64_t least, int64_t most, Duration& into) {
        const Json& value = member_at(own_, path);
        if (value.is_null()) return;
        const int64_t number = value.is_number_integer() ? value.get<int64_t>() : least - 1;
        if (number < least || number > most)
            return problem(path, "has to be a whole number from " + std::to_string(least) + " to " +
                                     std::to_string(most));
        into = Duration(number);
    }

    void read_times() {
        read_time("maxDurationSeconds", 1, longest_ms / 1000, settings_.longest_call);
        read_time("outbound.notifyHangupDelaySec", 0, 60, settings_.hang_up_delay);
        read_time("ringTimeoutMs", 5'000, 600'000, settings_.ring_timeout);
        read_time("transcriptTimeoutMs", 1'000, longest_ms, settings_.transcript_timeout);
        read_time("responseTimeoutMs", 1'000, longest_ms, settings_.response_timeout);
        std::chrono::seconds calls(1);
        read_time("maxConcurrentCalls", 1, 100, calls);
        settings_.most_calls = static_cast<size_t>(calls.count());
    }

    void read_address() {
        if (const std::string path = text("serve.path"); !path.empty())
            settings_.webhook_path = path;
        const std::string tunnel = text("tunnel.provider");
        const std::string legacy = text("tailscale.mode");
        settings_.has_tunnel =
            (!tunnel.empty() && tunnel != "none") || (!legacy.empty() && legacy != "off");
        settings_.public_url = text("publicUrl");
        const std::string& url = settings_.public_url;
        if (url.empty() && !settings_.has_tunnel) return problem("publicUrl", missing_address());
        const bool loopback =
            url.starts_with("http://127.0.0.1:") || url.starts_with("http://localhost:");
        if (!url.empty() && !url.starts_with("https://") && !loopback)
            return problem("publicUrl", "has to begin with https://");
        if (url.find_first_of("?#") != std::string::npos)
            return problem("publicUrl",
                           "has to end with its path: leave out ? and # and what "
                           "follows");
        const size_t path = url.find('/', url.find("://") + 3);
        if (!url.empty() &&
            (path == std::string::npos || url.substr(path) != settings_.webhook_path))
            remark("publicUrl", "does not end with serve.path (" + settings_.webhook_path +
                                    "): calls arrive only if a proxy of yours changes the path");
    }

    std::string missing_address() const {
        const std::string app = variable("FLY_APP_NAME");
        return "is required (the webhook's whole address, like \"https://" +
               (app.empty() ? std::string("example.com") : app + ".fly.dev") +
               settings_.webhook_path + "\"), or a tunnel.provider";
    }

    void read_count(const char* name, size_t most, size_t& into) {
        const std::string value = variable(name);
        if (value.empty()) return;
        size_t number = 0;
        const auto [end, fault] =
            std::from_chars(value.data(), value.data() + value.size(), number);
        if (fault != std::errc() || end != value.data() + value.size() || number > most)
            settings_.remarks.push_back(std::string(name) + " \"" + value +
                                        "\" is no number up to " + std::to_string(most) +
                                        "; it is ignored");
        else
            into = number;
    }

    void read_limits() {
        settings_.destinations = settings_.allow_from;
        if (!settings_.to_number.empty()) settings_.destinations.push_back(settings_.to_number);
        std::string listed = variable("HARDSHELL_VOICE_DESTINATIONS");
        while (!listed.empty()) {
            const size_t comma = std::min(listed.find(','), listed.size());
            std::string one = listed.substr(0, comma);
            listed.erase(0, comma + 1);
            std::erase(one, ' ');
            if (!one.empty()) settings_.destinations.push_back(std::move(one));
        }
        read_count("HARDSHELL_VOICE_CALLS_PER_HOUR", 10'000, settings_.calls_per_hour);
        size_t minutes = static_cast<size_t>(settings_.minutes_per_day.count());
        read_count("HARDSHELL_VOICE_MINUTES_PER_DAY", 100'000, minutes);
        settings_.minutes_per_day = std::chrono::minutes(minutes);
    }

    // Without what it needs a call goes on by the company's own speech: that is said, and no reason
    // to take no calls.
    void read_streaming() {
        Streaming& streaming = settings_.streaming;
        if (settings_.provider != ProviderName::twilio)
            return remark("streaming.enabled", "is ignored: only calls by twilio are streamed");
        const std::string listener = text("streaming.sttProvider");
        if (!listener.empty() && listener != "openai-realtime")
            return problem("streaming.sttProvider",
                           "\"" + listener + "\" is not known: use openai-realtime");
        take_text("streaming.streamPath", streaming.path);
        take_text("streaming.sttModel", streaming.hearing_model);
        read_time("streaming.silenceDurationMs", 100, 10'000, streaming.silence);
        const Json& threshold = member_at(own_, "streaming.vadThreshold");
        if (threshold.is_number()) streaming.threshold = threshold.get<double>();
        if (!(threshold.is_number() || threshold.is_null()) || streaming.threshold < 0 ||
            streaming.threshold > 1)
            problem("streaming.vadThreshold", "has to be a number from 0 to 1");
        if (const std::string url = variable("HARDSHELL_OPENAI_API_URL"); !url.empty())
            streaming.api_url = url;
        streaming.hearing_key = secret("streaming.openaiApiKey");
        read_speaking(streaming);
        if (streaming.hearing_key.empty() || streaming.speaking_key.empty())
            return remark("streaming.openaiApiKey",
                          "is missing (or set OPENAI_API_KEY env): calls are not streamed, the "
                          "provider's own speech is used");
        streaming.enabled = true;
    }

    // `tts`, in the form of messages.tts.
    void read_speaking(Streaming& streaming) {
        const std::string speaker = text("tts.provider");
        if (!speaker.empty() && speaker != "openai")
            remark("tts.provider",
                   "\"" + speaker + "\" does not speak on the telephone here: openai does");
        take_text("tts.openai.model", streaming.speaking_model);
        take_text("tts.openai.voice", streaming.voice);
        streaming.speaking_key = secret("tts.openai.apiKey");
        if (streaming.speaking_key.empty()) streaming.speaking_key = streaming.hearing_key;
    }

    void take_text(const char* path, std::string& into) const {
        if (std::string value = text(path); !value.empty()) into = std::move(value);
    }

    void note_what_is_not_done() {
        if (bool_member(own_, "skipSignatureVerification"))
            remark("skipSignatureVerification", "is ignored: signatures are always verified");
        for (const char* flag : {"allowNgrokFreeTierLoopbackBypass", "allowNgrokFreeTier"})
            if (bool_member(member(own_, "tunnel"), flag))
                remark("tunnel." + std::string(flag),
                       "is ignored: it would let anybody in; signatures work through ngrok");
        for (const char* name : {"serve.port", "serve.bind"})
            if (!member_at(own_, name).is_null())
                remark(name,
                       "is ignored: there is no listener of its own; a proxy or tunnel of "
                       "yours leads to the gateway's port");
        if (const std::string path = text("tailscale.path");
            !path.empty() && path != settings_.webhook_path)
            remark("tailscale.path", "is ignored: the path is serve.path (" +
                                         settings_.webhook_path + "), inside and outside");
        if (const std::string store = text("store"); !store.empty())
            remark("store", "is ignored: calls are kept in voice-calls of the state directory");
    }

    const Json& own_;
    const Secrets& secrets_;
    const Variables& variables_;
    Settings settings_;
};

}  // namespace

Settings read_settings(const Json& config, const Secrets& secrets, const Variables& variables) {
    return Reader(config, secrets, variables).read();
}

const char* name_of(ProviderName provider) {
    for (const ProviderRow& row : providers)
        if (row.provider == provider) return row.name;
    return "none";
}

std::string problems_text(const Settings& settings) {
    std::string text;
    for (const std::string& problem : settings.problems)
        text += (text.empty() ? "" : "; ") + problem;
    return text;
}

}  // namespace voice
