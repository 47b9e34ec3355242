#include "workers/planner/schema.h"

#include <gtest/gtest.h>

#include <set>

#include "workers/planner/schema_text.h"
#include "workers/planner/schema_words.h"

namespace planner {
namespace {

// Calls `visit` with every object of a schema.
template <typename Visit>
void each_object(const Json& value, Visit visit) {
    if (value.is_object()) visit(value);
    if (value.is_structured())
        for (const Json& inner : value) each_object(inner, visit);
}

template <typename Visit>
void each_schema_object(Visit visit) {
    each_object(*parse_json(schema_root_text), visit);
    for (size_t index = 0; index < schema_definition_count; ++index)
        each_object(*parse_json(schema_definitions[index].json), visit);
}

TEST(SchemaTable, RefersOnlyToDefinitionsItHasAndUsesAll) {
    std::set<std::string> used, present;
    each_schema_object([&](const Json& object) {
        if (const Json& reference = member(object, "$ref"); reference.is_string())
            used.insert(reference.get<std::string>().substr(14));
    });
    for (size_t index = 0; index < schema_definition_count; ++index)
        present.insert(std::string(schema_definitions[index].name));
    EXPECT_EQ(used, present);
    EXPECT_GT(present.size(), 50u);
}

TEST(SchemaTable, UsesOnlyKeywordsThatAreRead) {
    const std::set<std::string> read{"$ref",       "type",
                                     "enum",       "anyOf",
                                     "properties", "additionalProperties",
                                     "required",   "items",
                                     "minimum",    "maximum",
                                     "minLength",  "maxLength",
                                     "format",     "exclusiveMinimum",
                                     "x-cure",     "x-legacy"};
    each_schema_object([&](const Json& object) {
        // Objects of properties and of legacy keys have names of their own.
        if (!object.contains("type") || !object["type"].is_string()) return;
        for (const auto& [key, value] : object.items())
            EXPECT_TRUE(read.count(key) || key == "$schema" || key == "title" ||
                        key == "$comment" || value.is_object())
                << key;
    });
}

TEST(SchemaTable, UsesOnlyFormatsThatAreChecked) {
    each_schema_object([&](const Json& object) {
        if (const Json& format = member(object, "format"); format.is_string()) {
            EXPECT_TRUE(expected_by_format(format.get<std::string>(), "\x01")) << format;
        }
    });
}

TEST(SchemaWords, SuggestTheNearestKey) {
    const Json known{{"port", 1}, {"bind", 1}, {"maxConcurrent", 1}};
    EXPECT_EQ(suggestion("prot", known), "did you mean \"port\"?");
    EXPECT_EQ(suggestion("Bind", known), "did you mean \"bind\"?");
    EXPECT_EQ(suggestion("max_concurent", known), "");
    EXPECT_EQ(suggestion("maxConcurent", known), "did you mean \"maxConcurrent\"?");
    EXPECT_EQ(suggestion("x", known), "");
    EXPECT_EQ(suggestion(std::string(100'000, 'p'), known), "");
}

TEST(SchemaWords, KnowTheFormats) {
    struct Row {
        const char* format;
        const char* text;
        bool fits;
    };
    const Row rows[] = {
        {"duration", "30m", true},      {"duration", "1.5h", true},
        {"duration", "500ms", true},    {"duration", "0", true},
        {"duration", "", false},        {"duration", "m", false},
        {"duration", "5 m", false},     {"duration", "5.m", false},
        {"duration", "-5m", false},     {"time-of-day", "08:30", true},
        {"time-of-day", "24:00", true}, {"time-of-day", "24:01", false},
        {"time-of-day", "8:30", false}, {"time-of-day", "12:60", false},
        {"color", "ff00AA", true},      {"color", "#ff00aa", true},
        {"color", "ff00a", false},      {"command-name", "a_1", true},
        {"command-name", "A", false},   {"command-name", "", false},
    };
    for (const Row& row : rows)
        EXPECT_EQ(expected_by_format(row.format, row.text) == nullptr, row.fits)
            << row.format << " " << row.text;
}

}  // namespace
}  // namespace planner
