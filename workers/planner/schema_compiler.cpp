// A program of the build: from openclaw.schema.json to the text that the planner carries and to the
// document of all fields.
//
//   schema_compiler openclaw.schema.json schema_text.cpp configuration-fields.md

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "workers/common/base/json.h"
#include "workers/planner/schema_reference.h"

namespace {

// For people and for clients; checking does without.
constexpr const char* for_people[] = {"title",     "description", "examples", "default",
                                      "x-applied", "x-advanced",  "$comment"};

Json without_words(const Json& schema, bool is_map_of_names) {
    if (schema.is_array()) {
        Json list = Json::array();
        for (const Json& inner : schema) list.push_back(without_words(inner, false));
        return list;
    }
    if (!schema.is_object()) return schema;
    Json bare = Json::object();
    for (const auto& [key, value] : schema.items()) {
        bool is_word = false;
        for (const char* word : for_people) is_word |= !is_map_of_names && key == word;
        if (!is_word) bare[key] = without_words(value, !is_map_of_names && key == "properties");
    }
    return bare;
}

std::string raw(const Json& value) {
    return "R\"schema(" + value.dump() + ")schema\"";
}

void add_defaults(const Json& schema, const Json& definitions, const std::string& path,
                  std::string& rows) {
    if (const Json& applied = member(schema, "x-applied"); applied.is_string())
        rows += "    {\"" + path + "\", " + raw(schema["default"]) + ", \"" +
                applied.get<std::string>() + "\"},\n";
    const std::string reference = text_member(schema, "$ref");
    const Json& inside =
        reference.empty() ? schema : definitions[reference.substr(reference.rfind('/') + 1)];
    if (!member(inside, "properties").is_object()) return;
    for (const auto& [key, property] : inside["properties"].items())
        add_defaults(property, definitions, path.empty() ? key : path + "." + key, rows);
}

std::string source_of(const Json& schema) {
    Json root = without_words(schema, false);
    Json definitions = root["definitions"];
    root.erase("definitions");
    std::string text =
        "// Written by schema_compiler.cpp.\n#include \"workers/planner/schema_text.h\"\n\n"
        "namespace planner {\n\nconst std::string_view schema_root_text = " +
        raw(root) + ";\n\nconst SchemaText schema_definitions[] = {\n";
    for (const auto& [name, definition] : definitions.items())
        text += "    {\"" + name + "\", " + raw(without_words(definition, false)) + "},\n";
    text +=
        "};\nconst size_t schema_definition_count = std::size(schema_definitions);\n\n"
        "const SchemaDefault schema_defaults[] = {\n";
    add_defaults(schema, schema["definitions"], "", text);
    text +=
        "};\nconst size_t schema_default_count = std::size(schema_defaults);\n\n"
        "const std::string_view schema_full_text = " +
        raw(schema) + ";\n\n}  // namespace planner\n";
    return text;
}

bool write(const char* path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    return static_cast<bool>(file.flush());
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) return 2;
    std::ifstream file(arguments[1]);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const Result<Json> schema = parse_json(text);
    if (!schema) {
        std::fprintf(stderr, "%s: %s\n", arguments[1], schema.error().what.c_str());
        return 1;
    }
    const bool written = write(arguments[2], source_of(*schema)) &&
                         write(arguments[3], planner::field_reference(*schema));
    return written ? 0 : 1;
}
