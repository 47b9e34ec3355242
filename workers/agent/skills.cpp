#include "workers/agent/skills.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "workers/agent/ids.h"

namespace agent {

namespace {

constexpr std::string_view fence = "---";
// Under which name a skill's needs stand; the later ones are from before OpenClaw had its name.
constexpr const char* metadata_names[] = {"openclaw", "moltbot", "clawdbot"};
constexpr size_t most_names = 64;

std::string_view take_line(std::string_view& text) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

std::string unquoted(std::string_view text) {
    text = trimmed(text);
    const bool quoted = text.size() >= 2 && text.front() == text.back() &&
                        (text.front() == '"' || text.front() == '\'');
    return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

bool is_indented(std::string_view line) {
    return line.starts_with(' ') || line.starts_with('\t');
}

// The keys between the first two lines of "---". A value that goes on in indented lines is taken
// whole.
std::map<std::string, std::string> front_matter(std::string_view text) {
    std::map<std::string, std::string> keys;
    if (trimmed(take_line(text)) != fence) return keys;
    std::string key;
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (trimmed(line) == fence) return keys;
        const bool goes_on = !key.empty() && (is_indented(line) || trimmed(line).empty() ||
                                              line.starts_with('}') || line.starts_with(']'));
        if (goes_on) {
            keys[key] += " " + std::string(trimmed(line));
            continue;
        }
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        key = std::string(trimmed(line.substr(0, colon)));
        const std::string_view value = trimmed(line.substr(colon + 1));
        const bool is_block = value == "|" || value == ">" || value == "|-" || value == ">-";
        keys[key] = is_block ? "" : std::string(value);
    }
    return {};  // never closed: no front matter
}

std::vector<std::string> texts_of(const Json& list) {
    std::vector<std::string> texts;
    if (list.is_string()) texts.push_back(list.get<std::string>());
    if (list.is_array())
        for (const Json& entry : list)
            if (entry.is_string() && texts.size() < most_names)
                texts.push_back(entry.get<std::string>());
    return texts;
}

// What JSON does not allow and authors of skills write: a comma behind the last entry.
std::string without_last_commas(std::string_view text) {
    std::string out;
    bool in_text = false;
    for (size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        if (in_text && letter == '\\' && at + 1 < text.size()) {
            out += letter;
            out += text[++at];
            continue;
        }
        if (letter == '"') in_text = !in_text;
        if (letter == ',' && !in_text) {
            const size_t next = text.find_first_not_of(" \t\r\n", at + 1);
            if (next != std::string_view::npos && (text[next] == '}' || text[next] == ']'))
                continue;
        }
        out += letter;
    }
    return out;
}

// The object under one of our names.
Json metadata_in(const std::map<std::string, std::string>& keys) {
    const auto found = keys.find("metadata");
    if (found == keys.end()) return {};
    const Result<Json> parsed = parse_json(without_last_commas(found->second));
    if (!parsed) return {};
    for (const char* name : metadata_names)
        if (const Json& own = member(*parsed, name); own.is_object()) return own;
    return {};
}

std::string value_of(const std::map<std::string, std::string>& keys, const char* key) {
    const auto found = keys.find(key);
    return found == keys.end() ? "" : unquoted(found->second);
}

void read_metadata(const Json& metadata, Skill& skill) {
    const Json& needs = member(metadata, "requires");
    skill.needs = {texts_of(member(needs, "bins")), texts_of(member(needs, "anyBins")),
                   texts_of(member(needs, "env")), texts_of(member(needs, "config")),
                   texts_of(member(metadata, "os"))};
    skill.key = text_member(metadata, "skillKey", skill.name);
    skill.emoji = text_member(metadata, "emoji");
    skill.primary_env = text_member(metadata, "primaryEnv");
    skill.homepage = text_member(metadata, "homepage", skill.homepage);
    skill.always = bool_member(metadata, "always");
    for (const Json& installer : member(metadata, "install"))
        for (const std::string& bin : texts_of(member(installer, "bins")))
            skill.installed_bins.push_back(bin);
}

bool is_set(const Json& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number()) return value.get<double>() != 0;
    if (value.is_string()) return !trimmed(value.get_ref<const std::string&>()).empty();
    return !value.is_null();
}

std::vector<std::string> without(const std::vector<std::string>& names,
                                 const std::function<bool(const std::string&)>& there) {
    std::vector<std::string> missing;
    for (const std::string& name : names)
        if (!there(name)) missing.push_back(name);
    return missing;
}

bool holds(const Json& list, const std::string& text) {
    return list.is_array() && std::find(list.begin(), list.end(), Json(text)) != list.end();
}

}  // namespace

Skill read_skill(std::string_view text, const std::string& folder_name) {
    const std::map<std::string, std::string> keys = front_matter(text);
    Skill skill;
    skill.name = value_of(keys, "name");
    if (skill.name.empty()) skill.name = folder_name;
    skill.description = value_of(keys, "description");
    skill.homepage = value_of(keys, "homepage");
    read_metadata(metadata_in(keys), skill);
    return skill;
}

Standing standing_of(const Skill& skill, const Surroundings& around) {
    const Json& entry = member(member_at(around.config, "skills.entries"), skill.key);
    const Json& given = member(entry, "given");
    Standing standing;
    standing.disabled = !bool_member(entry, "enabled", true);
    Requirements& missing = standing.missing;
    missing.bins = without(skill.needs.bins, around.has_program);
    missing.any_bins = without(skill.needs.any_bins, around.has_program);
    // One is enough.
    if (missing.any_bins.size() < skill.needs.any_bins.size()) missing.any_bins.clear();
    missing.env = without(skill.needs.env, [&](const std::string& name) {
        return holds(given, name) || around.has_variable(name) ||
               (name == skill.primary_env && holds(given, "apiKey"));
    });
    for (const std::string& path : skill.needs.config) {
        const Json& value = member_at(around.config, path);
        const bool satisfied = is_set(value);
        // What is inside is nobody's business.
        standing.config_checks.push_back({{"path", path},
                                          {"value", value.is_structured() ? Json() : value},
                                          {"satisfied", satisfied}});
        if (!satisfied) missing.config.push_back(path);
    }
    const auto& systems = skill.needs.os;
    if (!systems.empty() && std::find(systems.begin(), systems.end(), "linux") == systems.end())
        missing.os = systems;
    const bool complete = missing.bins.empty() && missing.any_bins.empty() && missing.env.empty() &&
                          missing.config.empty() && missing.os.empty();
    standing.eligible = !standing.disabled && (skill.always || complete);
    return standing;
}

Json requirements_json(const Requirements& requirements) {
    return {{"bins", requirements.bins},
            {"anyBins", requirements.any_bins},
            {"env", requirements.env},
            {"config", requirements.config},
            {"os", requirements.os}};
}

bool is_on_path(const std::string& program, std::string_view path) {
    if (program.empty() || program.find('/') != std::string::npos) return false;
    while (!path.empty()) {
        const size_t end = std::min(path.find(':'), path.size());
        const std::string folder(path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
        if (!folder.empty() && access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    }
    return false;
}

}  // namespace agent
