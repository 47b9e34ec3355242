#include "workers/planner/voice_plan.h"

#include <algorithm>
#include <iterator>

namespace planner {

namespace {

constexpr const char* plugin = "voice-call";
constexpr const char* key_prefix = "plugins.entries.voice-call.config.";

struct Value {
    const char* company;
    const char* key;
    const char* variable;
    bool is_secret;
};
constexpr Value values[] = {
    // company, key, variable, is a secret
    {"twilio", "accountSid", "TWILIO_ACCOUNT_SID", false},
    {"twilio", "authToken", "TWILIO_AUTH_TOKEN", true},
    {"telnyx", "connectionId", "TELNYX_CONNECTION_ID", false},
    {"telnyx", "apiKey", "TELNYX_API_KEY", true},
    // Everybody may know it, but by it the worker tells who speaks: it comes the same way.
    {"telnyx", "publicKey", "TELNYX_PUBLIC_KEY", true},
    {"plivo", "authId", "PLIVO_AUTH_ID", false},
    {"plivo", "authToken", "PLIVO_AUTH_TOKEN", true},
};

// Of calls that are streamed; a key that is not configured is OPENAI_API_KEY.
constexpr const char* speech_keys[] = {"streaming.openaiApiKey", "tts.openai.apiKey"};

const Json& entry_of(const Json& config) {
    return member(member_at(config, "plugins.entries"), plugin);
}

bool lists(const Json& list, std::string_view name) {
    return list.is_array() && std::any_of(list.begin(), list.end(), [&](const Json& item) {
               return item.is_string() && item.get_ref<const std::string&>() == name;
           });
}

bool is_streamed(const Json& own) {
    return text_view(own, "provider") == "twilio" &&
           bool_member(member(own, "streaming"), "enabled");
}

// messages.tts, changed by what the plugin says itself.
Json speech_of(const Json& config, const Json& own) {
    Json speech = member_at(config, "messages.tts");
    if (!speech.is_object()) speech = Json::object();
    if (const Json& changes = member(own, "tts"); changes.is_object()) speech.merge_patch(changes);
    return speech;
}

void add_speech_secrets(const Json& config, Json own, const std::string& config_path,
                        const Environment& environment, std::vector<FoundSecret>& secrets) {
    constexpr const char* variable = "OPENAI_API_KEY";
    own["tts"] = speech_of(config, own);
    const std::string set = environment.get(variable);
    for (const char* key : speech_keys) {
        const Json& configured = member_at(own, key);
        const std::string name = std::string(key_prefix) + key;
        if (configured.is_string() && !configured.get_ref<const std::string&>().empty())
            secrets.push_back({name, configured.get<std::string>(), name + " in " + config_path});
        else if (!set.empty())
            secrets.push_back({name, set, std::string("environment variable ") + variable});
    }
}

}  // namespace

// clang-format off
const WorkerKind voice_worker = {
    "voice",
    {"logging"},
    {"TZ", "OPENCLAW_VERSION", "GIT_COMMIT", "FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION",
     "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
     "https_proxy", "http_proxy", "no_proxy"},
    nullptr};
// clang-format on

bool wants_voice(const Json& config) {
    const Json& plugins = member(config, "plugins");
    const Json& allowed = member(plugins, "allow");
    if (!bool_member(plugins, "enabled", true) || lists(member(plugins, "deny"), plugin))
        return false;
    if (allowed.is_array() && !allowed.empty() && !lists(allowed, plugin)) return false;
    const Json& entry = entry_of(config);
    return bool_member(entry, "enabled") && bool_member(member(entry, "config"), "enabled", true);
}

Json voice_config(const Json& config, const Environment& environment) {
    Json part = config_for(voice_worker, config);
    Json own = member(entry_of(config), "config");
    if (!own.is_object()) own = Json::object();
    const std::string company = text_member(own, "provider");
    for (const Value& row : values) {
        if (row.is_secret || company != row.company) continue;
        const std::string set = environment.get(row.variable);
        if (text_view(member(own, row.company), row.key).empty() && !set.empty())
            own[row.company][row.key] = set;
    }
    if (member(own, "telnyx").is_object()) own["telnyx"].erase("publicKey");
    if (is_streamed(own)) own["tts"] = speech_of(config, own);
    part["plugins"]["entries"][plugin]["config"] = std::move(own);
    remove_secrets(part);
    return part;
}

std::vector<FoundSecret> voice_secrets(const Json& config, const std::string& config_path,
                                       const Environment& environment) {
    const Json& own = member(entry_of(config), "config");
    const std::string company = text_member(own, "provider");
    std::vector<FoundSecret> secrets;
    for (const Value& row : values) {
        if (!row.is_secret || company != row.company) continue;
        const std::string name = std::string(key_prefix) + row.company + "." + row.key;
        const std::string configured = text_member(member(own, row.company), row.key);
        const std::string set = environment.get(row.variable);
        if (!configured.empty())
            secrets.push_back({name, configured, name + " in " + config_path});
        else if (!set.empty())
            secrets.push_back({name, set, std::string("environment variable ") + row.variable});
    }
    if (is_streamed(own)) add_speech_secrets(config, own, config_path, environment, secrets);
    return secrets;
}

}  // namespace planner
