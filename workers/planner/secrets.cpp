#include "workers/planner/secrets.h"

#include <algorithm>
#include <cctype>

namespace planner {

namespace {

struct ProviderKey {
    const char* provider;
    std::initializer_list<std::string_view> variables;  // the first that is set counts
};

const ProviderKey provider_keys[] = {
    {"anthropic", {"ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY"}},
    {"openai", {"OPENAI_API_KEY"}},
    {"google", {"GEMINI_API_KEY"}},
    {"openrouter", {"OPENROUTER_API_KEY"}},
    {"groq", {"GROQ_API_KEY"}},
    {"xai", {"XAI_API_KEY"}},
    {"mistral", {"MISTRAL_API_KEY"}},
    {"cerebras", {"CEREBRAS_API_KEY"}},
    {"venice", {"VENICE_API_KEY"}},
    {"minimax", {"MINIMAX_API_KEY"}},
    {"moonshot", {"MOONSHOT_API_KEY"}},
    {"zai", {"ZAI_API_KEY"}},
    {"vercel-ai-gateway", {"AI_GATEWAY_API_KEY"}},
};

// Keys whose text is a secret wherever they stand.
constexpr std::string_view secret_keys[] = {
    "token",          "botToken",     "appToken",      "userToken",      "authToken",
    "accessToken",    "refreshToken", "pushToken",     "hookToken",      "verificationToken",
    "ngrokAuthToken", "password",     "appPassword",   "secret",         "signingSecret",
    "webhookSecret",  "clientSecret", "channelSecret", "appSecret",      "channelAccessToken",
    "apiKey",         "openaiApiKey", "privateKey",    "serviceAccount", "botSecret",
    "apiPassword",
};

// Objects all of whose members are secret; `*` is any one step.
constexpr std::string_view secret_maps[] = {
    "env",
    "env.vars",
    "skills.entries.*.env",
    "agents.defaults.cliBackends.*.env",
    "tools.exec.env",
    "agents.defaults.sandbox.docker.env",
    "agents.list.*.sandbox.docker.env",
    // Google's key file, written into the configuration.
    "channels.googlechat.serviceAccount",
    "channels.googlechat.accounts.*.serviceAccount",
};

bool matches(std::string_view pattern, const std::vector<std::string>& path) {
    for (const std::string& step : path) {
        if (pattern.empty()) return false;
        const size_t dot = std::min(pattern.find('.'), pattern.size());
        if (pattern.substr(0, dot) != "*" && pattern.substr(0, dot) != step) return false;
        pattern.remove_prefix(std::min(dot + 1, pattern.size()));
    }
    return pattern.empty();
}

bool is_secret_map(const std::vector<std::string>& path) {
    return std::any_of(std::begin(secret_maps), std::end(secret_maps),
                       [&](std::string_view pattern) { return matches(pattern, path); });
}

class Remover {
  public:
    void walk(Json& value) {
        if (value.is_array()) {
            for (size_t index = 0; index < value.size(); ++index)
                inside(std::to_string(index), value[index]);
        } else if (value.is_object()) {
            walk_object(value);
        }
    }

  private:
    void inside(const std::string& step, Json& value) {
        path_.push_back(step);
        walk(value);
        path_.pop_back();
    }

    void walk_object(Json& object) {
        const bool all = is_secret_map(path_);
        for (auto member = object.begin(); member != object.end();) {
            // Nested sections are looked into, so that one called "token" is not lost whole.
            if (member->is_primitive() && (all || is_secret_key(member.key()))) {
                member = object.erase(member);
                continue;
            }
            if (member.key() == "headers")
                blank_all(*member);
            else
                inside(member.key(), *member);
            ++member;
        }
    }

    static void blank_all(Json& headers) {
        if (!headers.is_structured()) return;
        for (Json& header : headers) header = "";
    }

    std::vector<std::string> path_;
};

void add_header_secrets(const Json& headers, const std::string& name, const std::string& source,
                        std::vector<FoundSecret>& secrets) {
    if (!headers.is_object()) return;
    for (const auto& [header, value] : headers.items())
        if (value.is_string())
            secrets.push_back({name + ".headers." + header, value.get<std::string>(),
                               name + ".headers in " + source});
}

void add_provider(const std::string& id, const Json& provider, const std::string& config_path,
                  std::vector<FoundSecret>& secrets) {
    const std::string name = "models.providers." + id;
    const std::string key = text_member(provider, "apiKey");
    const bool known = std::any_of(secrets.begin(), secrets.end(), [&](const FoundSecret& secret) {
        return secret.name == name + ".apiKey";
    });
    if (!key.empty() && !known)
        secrets.push_back({name + ".apiKey", key, name + ".apiKey in " + config_path});
    add_header_secrets(member(provider, "headers"), name, config_path, secrets);
    size_t index = 0;
    for (const Json& model : member(provider, "models"))
        add_header_secrets(member(model, "headers"), name + ".models." + std::to_string(index++),
                           config_path, secrets);
}

}  // namespace

bool is_secret_key(std::string_view key) {
    return std::find(std::begin(secret_keys), std::end(secret_keys), key) != std::end(secret_keys);
}

bool is_secret_at(const std::vector<std::string>& path) {
    if (path.empty()) return false;
    if (is_secret_key(path.back())) return true;
    const std::vector<std::string> outer(path.begin(), path.end() - 1);
    return is_secret_map(outer) || (!outer.empty() && outer.back() == "headers");
}

std::vector<FoundSecret> model_secrets(const Json& config, const std::string& config_path,
                                       const Environment& environment) {
    std::vector<FoundSecret> secrets;
    for (const ProviderKey& row : provider_keys)
        if (const auto* variable = environment.first_of(row.variables))
            secrets.push_back({std::string("models.providers.") + row.provider + ".apiKey",
                               variable->value, variable->source});
    const Json& providers = member_at(config, "models.providers");
    if (providers.is_object())
        for (const auto& [id, provider] : providers.items())
            add_provider(id, provider, config_path, secrets);
    return secrets;
}

void remove_secrets(Json& config) {
    Remover{}.walk(config);
}

bool names_a_secret(std::string_view variable) {
    for (const std::string_view word : {"TOKEN", "KEY", "SECRET", "PASS", "CREDENTIAL"})
        if (variable.find(word) != std::string_view::npos) return true;
    return false;
}

}  // namespace planner
