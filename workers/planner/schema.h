// Checks a configuration against openclaw.schema.json, the field table of OpenClaw's file.
//
// Reads the part of JSON Schema draft-07 that the table uses: $ref, type, enum, anyOf, properties,
// additionalProperties, required, items, minimum, exclusiveMinimum, maximum, minLength, maxLength
// and the formats listed in schema_words.cpp. Never prints a text value, which may be a secret,
// except where only fixed words are allowed.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/source.h"

namespace planner {

struct Finding {
    Path path;
    bool unknown_key = false;  // the key at `path` is not in the table
    std::string what;
    std::string cure;
};

// In the order of the file. After 100 wrong values it stops looking.
std::vector<Finding> check_schema(const Json& config);

// The definition of that name; parsed when first asked for. Aborts on an unknown one: the schema
// is ours.
const Json& schema_definition(std::string_view name);

}  // namespace planner
