#include "workers/planner/web_search_plan.h"

#include <algorithm>
#include <cctype>

namespace planner {

namespace {

constexpr const char* perplexity_itself = "https://api.perplexity.ai";
constexpr const char* perplexity_by_openrouter = "https://openrouter.ai/api/v1";

struct KeyPlace {
    std::string_view service;
    const char* key;       // in the configuration; empty: only the variable
    const char* variable;  // empty: only the configuration
    const char* url;       // where a key from here belongs; null: told by its first letters
};

// Read from the top: the first place of the chosen service that has a key.
constexpr KeyPlace key_places[] = {
    // service, key, variable, where it belongs
    {"brave", "tools.web.search.apiKey", "", nullptr},
    {"brave", "tools.web.search.apiKey", "BRAVE_API_KEY", nullptr},
    {"perplexity", "tools.web.search.perplexity.apiKey", "", nullptr},
    {"perplexity", "tools.web.search.perplexity.apiKey", "PERPLEXITY_API_KEY", perplexity_itself},
    {"perplexity", "tools.web.search.perplexity.apiKey", "OPENROUTER_API_KEY",
     perplexity_by_openrouter},
};

std::string in_small_letters(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// Empty name: there is none here.
FoundSecret key_at(const KeyPlace& place, const Json& config, const std::string& config_path,
                   const Environment& environment) {
    if (*place.variable != '\0') {
        const Environment::Variable* variable = environment.first_of({place.variable});
        return variable ? FoundSecret{place.key, variable->value, variable->source} : FoundSecret{};
    }
    const Json& value = member_at(config, place.key);
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) return {};
    return {place.key, value.get<std::string>(), std::string(place.key) + " in " + config_path};
}

std::string url_of(const KeyPlace& place, const std::string& key) {
    if (place.url) return place.url;
    return in_small_letters(key).starts_with("pplx-") ? perplexity_itself
                                                      : perplexity_by_openrouter;
}

std::string names_of_places(std::string_view service) {
    std::string names;
    std::string configured;
    for (const KeyPlace& place : key_places) {
        if (place.service != service) continue;
        configured = place.key;
        if (*place.variable != '\0') names += std::string(place.variable) + " or ";
    }
    return names + configured;
}

}  // namespace

PlannedSearch planned_search(const Json& config, const std::string& config_path,
                             const Environment& environment, Notices& notices) {
    const Json& search = member_at(config, "tools.web.search");
    if (!bool_member(search, "enabled", true)) return {};
    const std::string chosen = text_member(search, "provider");
    const std::string service = chosen.empty() ? "brave" : in_small_letters(chosen);
    bool is_known = false;
    for (const KeyPlace& place : key_places) {
        if (place.service != service) continue;
        is_known = true;
        FoundSecret found = key_at(place, config, config_path, environment);
        if (found.name.empty()) continue;
        PlannedSearch planned;
        if (service == "perplexity" && text_member(member(search, service), "baseUrl").empty())
            planned.perplexity_url = url_of(place, found.value);
        planned.secrets.push_back(std::move(found));
        return planned;
    }
    if (!is_known)
        notices.warning("tools.web.search.provider: \"" + chosen +
                        "\" is not known, so there is no web_search; write brave or perplexity");
    else if (!chosen.empty())
        notices.warning("tools.web.search.provider: " + service + " has no key: set " +
                        names_of_places(service));
    return {};
}

}  // namespace planner
