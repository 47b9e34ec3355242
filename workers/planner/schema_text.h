// The text of openclaw.schema.json as built into this program.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

namespace planner {

struct SchemaText {
    std::string_view name;
    std::string_view json;
};

// Everything but the definitions.
extern const std::string_view schema_root_text;
extern const SchemaText schema_definitions[];
extern const size_t schema_definition_count;

}  // namespace planner
