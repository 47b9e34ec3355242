// The parameters a method takes, as a table, and what is said when they do not fit.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "workers/common/base/json.h"

namespace agent {

struct Field {
    enum class Kind {
        text,
        text_or_null,
        text_list,  // of texts that are not empty
        boolean,
        integer,
        number,
        array,
        any
    };
    const char* name;
    Kind kind;
    bool required = false;
    // Of a number its value, of a text its length, of a list how many it has.
    int64_t least = std::numeric_limits<int64_t>::min();
    int64_t most = std::numeric_limits<int64_t>::max();
};

// "invalid chat.send params: must have required property 'sessionKey'; at root: unexpected property
// 'x'", or empty when all is well. Null counts as no parameters.
std::string check_params(const char* method, const Json& params, std::span<const Field> fields);

}  // namespace agent
