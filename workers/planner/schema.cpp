#include "workers/planner/schema.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "workers/planner/schema_text.h"
#include "workers/planner/schema_words.h"
#include "workers/planner/secrets.h"

namespace planner {

namespace {

constexpr size_t most_wrong = 100;

Json parsed(std::string_view text) {
    Result<Json> json = parse_json(text);
    if (!json) std::abort();
    return std::move(*json);
}

std::string quoted(const Json& words) {
    std::vector<std::string> names;
    for (const Json& word : words) names.push_back(print_json(word));
    return joined_by_or(names);
}

int64_t characters_of(const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; });
}

class Checker {
  public:
    std::vector<Finding> findings;

    void check(const Json& value, const Json& schema) {
        if (wrong_ >= most_wrong) return;
        const std::string outer_cure = cure_;
        if (const Json& cure = member(schema, "x-cure"); cure.is_string())
            cure_ = cure.get<std::string>();
        if (const Json& reference = member(schema, "$ref"); reference.is_string())
            check(value, definition(reference.get_ref<const std::string&>()));
        else if (const Json& choices = member(schema, "anyOf"); choices.is_array())
            check_choices(value, choices);
        else
            check_plain(value, schema);
        cure_ = outer_cure;
    }

  private:
    static const Json& definition(std::string_view reference) {
        constexpr std::string_view prefix = "#/definitions/";
        return schema_definition(reference.substr(prefix.size()));
    }

    const Json& resolved(const Json& schema) const {
        const Json& reference = member(schema, "$ref");
        return reference.is_string() ? resolved(definition(reference.get_ref<const std::string&>()))
                                     : schema;
    }

    void complain(std::string what) {
        ++wrong_;
        findings.push_back({path_, false, std::move(what), cure_});
    }

    // The types that a schema allows; empty when it does not say.
    std::vector<std::string> types_of(const Json& schema) const {
        const Json& type = member(schema, "type");
        if (type.is_string()) return {type.get<std::string>()};
        if (type.is_array()) return type.get<std::vector<std::string>>();
        if (member(schema, "enum").is_array()) return {"string"};
        return {};
    }

    bool type_fits(const Json& value, const Json& schema) const {
        const std::vector<std::string> allowed = types_of(schema);
        return allowed.empty() ||
               std::any_of(allowed.begin(), allowed.end(),
                           [&](const std::string& name) { return is_of_type(value, name); });
    }

    std::string expected(const Json& schema) const {
        if (const Json& words = member(schema, "enum"); words.is_array()) return quoted(words);
        std::vector<std::string> names;
        for (const std::string& name : types_of(schema)) names.push_back(type_with_article(name));
        return joined_by_or(names);
    }

    // A number may be a secret whose quotes were left out.
    std::string received(const Json& value) const {
        return value.is_number() && is_secret_at(path_) ? type_with_article("number")
                                                        : found_in(value);
    }

    // The choice whose type fits speaks; when none does, all are named.
    void check_choices(const Json& value, const Json& choices) {
        std::vector<std::string> names;
        for (const Json& choice : choices) {
            const Json& schema = resolved(choice);
            if (type_fits(value, schema)) return check(value, schema);
            names.push_back(expected(schema));
        }
        complain("expected " + joined_by_or(names) + ", received " + received(value));
    }

    void check_plain(const Json& value, const Json& schema) {
        if (!type_fits(value, schema))
            return complain("expected " + expected(schema) + ", received " + received(value));
        if (value.is_object())
            check_object(value, schema);
        else if (value.is_array())
            check_list(value, schema);
        else if (value.is_string())
            check_text(value.get_ref<const std::string&>(), schema);
        else if (value.is_number())
            check_number(value, schema);
    }

    void check_text(const std::string& text, const Json& schema) {
        const Json& words = member(schema, "enum");
        if (words.is_array() && std::find(words.begin(), words.end(), Json(text)) == words.end())
            return complain("expected " + quoted(words) + ", received " +
                            print_json(text.substr(0, 40)));
        if (static_cast<int64_t>(text.size()) < int_member(schema, "minLength"))
            complain("expected a text that is not empty");
        const int64_t longest = int_member(schema, "maxLength", -1);
        if (longest >= 0 && characters_of(text) > longest)
            complain("expected at most " + std::to_string(longest) + " characters, received " +
                     std::to_string(characters_of(text)));
        const Json& format = member(schema, "format");
        if (!format.is_string()) return;
        if (const char* wanted = expected_by_format(format.get_ref<const std::string&>(), text))
            complain(std::string("expected ") + wanted);
    }

    void check_number(const Json& value, const Json& schema) {
        const auto number = value.get<double>();
        const auto limit = [&](const char* keyword, const char* words, auto violates) {
            const Json& bound = member(schema, keyword);
            if (bound.is_number() && violates(number, bound.get<double>()))
                complain(std::string("expected a number ") + words + print_json(bound) +
                         ", received " + print_json(value));
        };
        limit("minimum", "of at least ", [](double is, double bound) { return is < bound; });
        limit("exclusiveMinimum", "above ", [](double is, double bound) { return is <= bound; });
        limit("maximum", "of at most ", [](double is, double bound) { return is > bound; });
    }

    void check_list(const Json& value, const Json& schema) {
        const Json& items = member(schema, "items");
        if (!items.is_object()) return;
        const std::string list_cure = std::exchange(cure_, "");  // it was for the wrong type
        for (size_t index = 0; index < value.size(); ++index) {
            path_.push_back(std::to_string(index));
            check(value[index], items);
            path_.pop_back();
        }
        cure_ = list_cure;
    }

    void check_object(const Json& value, const Json& schema) {
        const std::string object_cure = std::exchange(cure_, "");  // it was for the wrong type
        for (const auto& [key, inner] : value.items()) {
            path_.push_back(key);
            check_member(key, inner, schema);
            path_.pop_back();
        }
        for (const Json& key : member(schema, "required"))
            if (!value.contains(key.get_ref<const std::string&>()))
                complain("the key " + print_json(key) + " is missing");
        cure_ = object_cure;
    }

    void check_member(const std::string& key, const Json& value, const Json& schema) {
        const Json& properties = member(schema, "properties");
        const Json& others = member(schema, "additionalProperties");
        const Json& property = member(properties, key);
        const Json& legacy = member(member(schema, "x-legacy"), key);
        if (property.is_object())
            check(value, property);
        else if (legacy.is_string())
            report_unknown("this key is no longer read", legacy.get<std::string>());
        else if (others.is_object())
            check(value, others);
        else if (others.is_boolean() && !others.get<bool>())
            report_unknown("this key is not known", suggestion(key, properties));
    }

    void report_unknown(std::string what, std::string cure) {
        findings.push_back({path_, true, std::move(what), std::move(cure)});
    }

    Path path_;
    std::string cure_;
    size_t wrong_ = 0;
};

}  // namespace

const Json& schema_definition(std::string_view name) {
    static std::map<std::string_view, Json> used;
    if (const auto known = used.find(name); known != used.end()) return known->second;
    for (size_t index = 0; index < schema_definition_count; ++index)
        if (const SchemaText& row = schema_definitions[index]; row.name == name)
            return used.emplace(row.name, parsed(row.json)).first->second;
    std::abort();
}

std::vector<Finding> check_schema(const Json& config) {
    static const Json root = parsed(schema_root_text);
    Checker checker;
    checker.check(config, root);
    return std::move(checker.findings);
}

}  // namespace planner
