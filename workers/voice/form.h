// Names and values of forms and queries: read, sorted, written; base64. Pure.
//
// Promises a limit on what is read, and that text it cannot read is an error, never a guess: a
// signature is computed over what is read here.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/common/base/result.h"

namespace voice {

// In the order in which they came; a name may occur more than once.
using Fields = std::vector<std::pair<std::string, std::string>>;

inline constexpr size_t most_fields = 200;

// "a=1&b=x+y%21", of a body or behind the `?` of a URL. bad_message: more than most_fields, or a
// `%` that begins no byte.
Result<Fields> read_form(std::string_view text);
// The value of the first field of that name; empty when there is none.
std::string_view value_of(const Fields& fields, std::string_view name);
// By name, and by value among fields of one name.
Fields sorted(Fields fields);
std::string write_form(const Fields& fields);
// All but A-Z a-z 0-9 - _ . ~ as %XX.
std::string percent_encoded(std::string_view text);
std::string base64_of(std::string_view bytes);

}  // namespace voice
