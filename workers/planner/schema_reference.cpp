#include "workers/planner/schema_reference.h"

#include <algorithm>
#include <vector>

namespace planner {

namespace {

constexpr const char* introduction =
    "# Fields of openclaw.json\n\n"
    "Written from `workers/planner/openclaw.schema.json`, which also checks the file; the test\n"
    "SchemaReference says how to renew this page. All fields may be left out unless they are "
    "marked\n*needed*. `[]` is an entry of a list, `<name>` a name of your choice. A key that is "
    "not here is\nignored with one warning at a start, and refused in a change.\n";

class Document {
  public:
    explicit Document(const Json& schema) : definitions_(schema["definitions"]) {}

    std::string page = introduction;

    void add_section(const std::string& key, const Json& schema) {
        page += "\n## " + key + "\n\n" + text_member(schema, "description") + "\n";
        rows_.clear();
        open_.clear();
        walk(key, schema, false);
        if (rows_.size() <= 1) return;
        page += "\n| key | value | default | |\n|---|---|---|---|\n";
        for (size_t index = 1; index < rows_.size(); ++index) page += rows_[index];
    }

  private:
    static std::string name_of(const Json& schema) {
        const std::string reference = text_member(schema, "$ref");
        return reference.empty() ? "" : reference.substr(reference.rfind('/') + 1);
    }

    const Json& resolved(const Json& schema) const {
        const std::string name = name_of(schema);
        return name.empty() ? schema : resolved(definitions_[name]);
    }

    // What is written beside a reference counts before what is written there.
    const Json& said(const Json& schema, const char* key) const {
        const Json& here = member(schema, key);
        return here.is_null() ? member(resolved(schema), key) : here;
    }

    std::string kind_of(const Json& schema) const {
        const Json& inside = resolved(schema);
        if (const Json& words = member(inside, "enum"); words.is_array()) {
            std::string text;
            for (const Json& word : words)
                text += (text.empty() ? "`" : ", `") + word.get<std::string>() + "`";
            return text;
        }
        if (const Json& choices = member(inside, "anyOf"); choices.is_array()) {
            std::string text;
            for (const Json& choice : choices)
                text += (text.empty() ? "" : " or ") + kind_of(choice);
            return text;
        }
        const Json& type = member(inside, "type");
        if (type.is_array()) {
            std::string text;
            for (const Json& one : type)
                text += (text.empty() ? "" : " or ") + plain(one.get<std::string>());
            return text;
        }
        if (const std::string format = text_member(inside, "format"); !format.empty())
            return format;
        return plain(text_member(inside, "type")) + limits(inside);
    }

    static std::string plain(const std::string& type) {
        if (type == "string") return "text";
        if (type == "integer") return "whole number";
        if (type == "boolean") return "true or false";
        if (type == "array") return "list";
        return type;
    }

    static std::string limits(const Json& schema) {
        std::string text;
        if (schema.contains("minimum")) text += " from " + schema["minimum"].dump();
        if (schema.contains("exclusiveMinimum"))
            text += " above " + schema["exclusiveMinimum"].dump();
        if (schema.contains("maximum")) text += " to " + schema["maximum"].dump();
        if (schema.contains("maxLength"))
            text += ", at most " + schema["maxLength"].dump() + " characters";
        return text;
    }

    void add_row(const std::string& path, const Json& schema, bool needed) {
        const Json& fallback = said(schema, "default");
        const Json& words = said(schema, "description");
        std::string row = "| `" + path + "` | " + kind_of(schema) + (needed ? ", *needed*" : "") +
                          " | " + (fallback.is_null() ? "" : "`" + fallback.dump() + "`") + " | " +
                          (words.is_string() ? words.get<std::string>() : "") + " |\n";
        rows_.push_back(std::move(row));
    }

    void walk(const std::string& path, const Json& schema, bool needed) {
        const std::string name = name_of(schema);
        if (std::count(open_.begin(), open_.end(), name) > 0 && !name.empty()) {
            rows_.push_back("| `" + path + ".…` | | | the same keys again |\n");
            return;
        }
        add_row(path, schema, needed);
        if (!name.empty()) open_.push_back(name);
        walk_inside(path, resolved(schema));
        if (!name.empty()) open_.pop_back();
    }

    void walk_inside(const std::string& path, const Json& schema) {
        const Json& required = member(schema, "required");
        if (const Json& properties = member(schema, "properties"); properties.is_object())
            for (const auto& [key, property] : properties.items())
                walk(path + "." + key, property,
                     std::find(required.begin(), required.end(), Json(key)) != required.end());
        const Json& others = member(schema, "additionalProperties");
        if (others.is_object() && is_worth_a_row(others)) walk(path + ".<name>", others, false);
        const Json& items = member(schema, "items");
        if (items.is_object() && resolved(items).contains("properties"))
            walk(path + "[]", items, false);
        for (const Json& choice : member(schema, "anyOf"))
            if (resolved(choice).contains("properties")) walk_inside(path, resolved(choice));
    }

    bool is_worth_a_row(const Json& schema) const {
        return resolved(schema).contains("properties") || resolved(schema).contains("enum") ||
               !said(schema, "description").is_null();
    }

    const Json& definitions_;
    std::vector<std::string> rows_;
    std::vector<std::string> open_;
};

}  // namespace

std::string field_reference(const Json& schema) {
    Document document{schema};
    for (const auto& [key, section] : schema["properties"].items())
        if (key != "$schema") document.add_section(key, section);
    return document.page;
}

}  // namespace planner
