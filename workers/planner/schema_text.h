// openclaw.schema.json as built into this program; schema_compiler.cpp writes the values.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

namespace planner {

struct SchemaText {
    std::string_view name;
    std::string_view json;
};

// For checking, without what is meant for people: everything but the definitions, and the
// definitions one by one, because a start reads only those that the owner's file uses.
extern const std::string_view schema_root_text;
extern const SchemaText schema_definitions[];
extern const size_t schema_definition_count;

// The defaults that are put in when a file is read.
struct SchemaDefault {
    const char* path;        // dotted
    const char* json;        // the value
    const char* only_under;  // applies when this section exists; empty: always
};
extern const SchemaDefault schema_defaults[];
extern const size_t schema_default_count;

// The whole file.
extern const std::string_view schema_full_text;

}  // namespace planner
