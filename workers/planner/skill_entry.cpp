#include "workers/planner/skill_entry.h"

#include "workers/planner/redaction.h"

namespace planner {

namespace {

constexpr const char* blanks = " \t\r\n";

std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(blanks);
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

void put(Json& section, const std::string& key, const std::string& value) {
    if (value == hidden) return;
    if (value.empty())
        section.erase(key);
    else
        section[key] = value;
}

Error refused(std::string what) {
    return {Fault::bad_message, std::move(what)};
}

Done change_variables(Json& entry, const Json& variables) {
    if (!variables.is_object())
        return refused("invalid skills.update params: at /env: must be object");
    Json env = member(entry, "env").is_object() ? entry["env"] : Json::object();
    for (const auto& [name, value] : variables.items()) {
        if (trimmed(name).empty()) continue;
        if (!value.is_string())
            return refused("invalid skills.update params: at /env/" + name + ": must be string");
        put(env, trimmed(name), trimmed(value.get<std::string>()));
    }
    if (env.empty())
        entry.erase("env");
    else
        entry["env"] = std::move(env);
    return {};
}

// The object at that key, made where there is none.
Json& section_in(Json& parent, const std::string& key) {
    Json& section = parent[key];
    if (!section.is_object()) section = Json::object();
    return section;
}

}  // namespace

Done change_skill_entry(Json& config, const Json& params) {
    const std::string key = text_member(params, "skillKey");
    Json& entry = section_in(section_in(section_in(config, "skills"), "entries"), key);
    if (params.contains("enabled")) entry["enabled"] = bool_member(params, "enabled");
    if (params.contains("apiKey")) put(entry, "apiKey", trimmed(text_member(params, "apiKey")));
    if (params.contains("env")) return change_variables(entry, params["env"]);
    return {};
}

void name_given_secrets(Json& config) {
    if (!member_at(config, "skills.entries").is_object()) return;
    for (Json& entry : config["skills"]["entries"]) {
        if (!entry.is_object()) continue;
        Json given = Json::array();
        if (!text_member(entry, "apiKey").empty()) given.push_back("apiKey");
        if (const Json& env = member(entry, "env"); env.is_object())
            for (const auto& [name, value] : env.items())
                if (value.is_string() && !value.get_ref<const std::string&>().empty())
                    given.push_back(name);
        if (!given.empty()) entry["given"] = std::move(given);
    }
}

}  // namespace planner
