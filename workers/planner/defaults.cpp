#include "workers/planner/defaults.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "workers/planner/schema_text.h"

namespace planner {

namespace {

// How the owner reaches Anthropic; decides the heartbeat's pace and whether old tool output is
// pruned when the provider's prompt cache has expired.
enum class Anthropic { none, api_key, subscription };

Anthropic anthropic_access(const Json& config, const Environment& environment) {
    bool api_key = false;
    for (const Json& profile : member_at(config, "auth.profiles")) {
        if (text_member(profile, "provider") != "anthropic") continue;
        if (text_member(profile, "mode") != "api_key") return Anthropic::subscription;
        api_key = true;
    }
    if (environment.first_of({"ANTHROPIC_OAUTH_TOKEN"})) return Anthropic::subscription;
    return api_key || environment.first_of({"ANTHROPIC_API_KEY"}) ? Anthropic::api_key
                                                                  : Anthropic::none;
}

// The value at a dotted path, created (as null) with the objects on the way; null pointer when
// something else than an object is in the way.
Json* place(Json& config, std::string_view path) {
    Json* at = &config;
    while (!path.empty()) {
        if (!at->is_object() && !at->is_null()) return nullptr;
        const size_t dot = path.find('.');
        at = &(*at)[std::string(path.substr(0, dot))];
        path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
    }
    return at;
}

void set_missing(Json& config, const char* path, Json value) {
    Json* at = place(config, path);
    if (at && at->is_null()) *at = std::move(value);
}

void apply_table(Json& config) {
    for (size_t index = 0; index < schema_default_count; ++index) {
        const SchemaDefault& row = schema_defaults[index];
        if (!*row.only_under || member_at(config, row.only_under).is_object())
            set_missing(config, row.path, Json::parse(row.json));
    }
}

void apply_anthropic(Json& config, Anthropic access) {
    const bool subscription = access == Anthropic::subscription;
    set_missing(config, "agents.defaults.heartbeat.every", subscription ? "1h" : "30m");
    if (access == Anthropic::none) return;
    if (!member_at(config, "agents.defaults.contextPruning.mode").is_null()) return;
    set_missing(config, "agents.defaults.contextPruning.mode", "cache-ttl");
    set_missing(config, "agents.defaults.contextPruning.ttl", "1h");
}

void apply_model_defaults(Json& model) {
    const auto set = [&](const char* key, Json value) {
        if (!model.contains(key)) model[key] = std::move(value);
    };
    set("reasoning", false);
    set("input", Json::array({"text"}));
    for (const char* price : {"input", "output", "cacheRead", "cacheWrite"})
        if (!model["cost"].contains(price)) model["cost"][price] = 0;
    set("contextWindow", 200'000);
    set("maxTokens", std::min<int64_t>(8192, int_member(model, "contextWindow")));
}

void apply_provider_models(Json& config) {
    const Json& providers = member_at(config, "models.providers");
    if (!providers.is_object()) return;
    for (Json& provider : config["models"]["providers"])
        for (Json& model : provider["models"]) apply_model_defaults(model);
}

struct Alias {
    const char* model;
    const char* alias;
};

constexpr Alias aliases[] = {
    {"anthropic/claude-opus-4-5", "opus"},
    {"anthropic/claude-sonnet-4-5", "sonnet"},
    {"openai/gpt-5.2", "gpt"},
    {"openai/gpt-5-mini", "gpt-mini"},
    {"google/gemini-3-pro-preview", "gemini"},
    {"google/gemini-3-flash-preview", "gemini-flash"},
};

void apply_aliases(Json& config) {
    if (!member_at(config, "agents.defaults.models").is_object()) return;
    Json& models = config["agents"]["defaults"]["models"];
    for (const Alias& row : aliases)
        if (models.contains(row.model) && !models[row.model].contains("alias"))
            models[row.model]["alias"] = row.alias;
}

}  // namespace

void apply_defaults(Json& config, const Environment& environment) {
    apply_table(config);
    apply_anthropic(config, anthropic_access(config, environment));
    apply_provider_models(config);
    apply_aliases(config);
    config["session"]["mainKey"] = "main";
}

}  // namespace planner
