// Reads JSON5: JSON with comments, trailing commas, unquoted and single-quoted keys, and the
// number and string forms of ECMAScript 5. Keeps the order of keys; of equal keys the last wins.
//
// Promises to end for any bytes, with a value or with a position and what was expected there.
// Refuses what JSON cannot hold (Infinity, NaN, half a surrogate pair) and more than 64 levels.
// More lenient than the grammar in one point: any letter-like character beyond ASCII may stand in
// an unquoted key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"
#include "workers/planner/source.h"

namespace planner {

struct Json5Failure {
    Position at;
    std::string what;
};

struct Json5Reading {
    Json value;
    Source source;
    std::optional<Json5Failure> failure;  // set: `value` means nothing
};

// More members in one object are refused: looking one up is linear.
inline constexpr size_t most_members = 10'000;

// `file` is what Source::file will say.
Json5Reading read_json5(std::string_view text, uint32_t file = 0);

}  // namespace planner
