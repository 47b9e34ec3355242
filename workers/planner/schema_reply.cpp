#include "workers/planner/schema_reply.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "workers/planner/config_edit.h"
#include "workers/planner/schema_text.h"
#include "workers/planner/secrets.h"

namespace planner {

namespace {

constexpr const char* schema_version = "2026.1.29";
// A channel's accounts have the channel's own keys, without accounts of their own.
constexpr std::ptrdiff_t deepest_repetition = 2;

// Formats that only this program knows.
constexpr std::string_view own_formats[] = {"duration", "time-of-day", "color", "command-name"};

bool is_own(const std::string& key, const Json& value) {
    if (key == "$comment" || key.compare(0, 2, "x-") == 0 || key == "definitions") return true;
    return key == "format" && value.is_string() &&
           std::find(std::begin(own_formats), std::end(own_formats),
                     value.get_ref<const std::string&>()) != std::end(own_formats);
}

class Expansion {
  public:
    explicit Expansion(const Json& definitions) : definitions_(definitions) {}

    // Nothing: it would contain itself once too often.
    std::optional<Json> expand(const Json& schema) {
        const std::string reference = text_member(schema, "$ref");
        if (reference.empty()) return expand_plain(schema);
        const std::string name = reference.substr(reference.rfind('/') + 1);
        if (std::count(open_.begin(), open_.end(), name) >= deepest_repetition) return {};
        open_.push_back(name);
        std::optional<Json> whole = expand(definitions_[name]);
        open_.pop_back();
        if (!whole) return {};
        for (const auto& [key, value] : schema.items())
            if (key != "$ref" && !is_own(key, value)) (*whole)[key] = value;
        return whole;
    }

  private:
    std::optional<Json> expand_plain(const Json& schema) {
        Json whole = Json::object();
        if (schema.contains("enum") && !schema.contains("type")) whole["type"] = "string";
        for (const auto& [key, value] : schema.items()) {
            if (is_own(key, value)) continue;
            if (key == "properties") {
                whole[key] = expand_properties(value);
            } else if (key == "anyOf") {
                for (const Json& choice : value)
                    if (std::optional<Json> inner = expand(choice)) whole[key].push_back(*inner);
            } else if ((key == "items" || key == "additionalProperties") && value.is_object()) {
                std::optional<Json> inner = expand(value);
                if (!inner) return {};
                whole[key] = std::move(*inner);
            } else {
                whole[key] = value;
            }
        }
        return whole;
    }

    Json expand_properties(const Json& properties) {
        Json whole = Json::object();
        for (const auto& [key, property] : properties.items())
            if (std::optional<Json> inner = expand(property)) whole[key] = std::move(*inner);
        return whole;
    }

    const Json& definitions_;
    std::vector<std::string> open_;
};

// "maxConcurrentRuns": "Max concurrent runs"
std::string label_of(const std::string& key) {
    std::string label;
    for (const char letter : key) {
        const auto byte = static_cast<unsigned char>(letter);
        if (std::isupper(byte) && !label.empty()) label += ' ';
        label += static_cast<char>(label.empty() ? std::toupper(byte) : std::tolower(byte));
    }
    return label;
}

class Hints {
  public:
    Json all = Json::object();

    void add_section(const std::string& key, const Json& schema, bool is_advanced) {
        path_ = {key};
        Json& hint = add(key, schema);
        hint["group"] = hint["label"];
        hint["order"] = 10 * ++sections_;
        if (is_advanced) hint["advanced"] = true;
        inside(schema);
    }

  private:
    static Json& hint_at(Json& all, const std::vector<std::string>& path) {
        std::string dotted;
        for (const std::string& step : path) dotted += dotted.empty() ? step : "." + step;
        return all[dotted];
    }

    Json& add(const std::string& key, const Json& schema) {
        Json& hint = hint_at(all, path_);
        hint["label"] = text_member(schema, "title", label_of(key));
        if (const std::string help = text_member(schema, "description"); !help.empty())
            hint["help"] = help;
        if (is_secret_at(path_)) hint["sensitive"] = true;
        if (const Json& examples = member(schema, "examples"); examples.is_array())
            hint["placeholder"] = examples.front();
        return hint;
    }

    void inside(const Json& schema) {
        if (const Json& properties = member(schema, "properties"); properties.is_object())
            for (const auto& [key, property] : properties.items()) step(key, property, key);
        if (const Json& others = member(schema, "additionalProperties"); others.is_object())
            step("*", others, "entry");
        if (const Json& items = member(schema, "items"); items.is_object()) inside(items);
        for (const Json& choice : member(schema, "anyOf")) inside(choice);
    }

    void step(const std::string& name, const Json& schema, const std::string& label) {
        path_.push_back(name);
        add(label, schema);
        inside(schema);
        path_.pop_back();
    }

    std::vector<std::string> path_;
    int sections_ = 0;
};

}  // namespace

Json schema_reply(int64_t now_ms) {
    const Result<Json> full = parse_json(schema_full_text);
    if (!full) std::abort();  // it is ours
    std::optional<Json> schema = Expansion{(*full)["definitions"]}.expand(*full);
    if (!schema) std::abort();
    Hints hints;
    for (const auto& [key, section] : (*schema)["properties"].items())
        if (key != "$schema")
            hints.add_section(key, section, bool_member((*full)["properties"][key], "x-advanced"));
    return {{"schema", std::move(*schema)},
            {"uiHints", std::move(hints.all)},
            {"version", schema_version},
            {"generatedAt", iso_time(now_ms)}};
}

}  // namespace planner
