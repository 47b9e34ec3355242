// What an incoming JSON value must look like, as tables, and what is wrong with one that does not.
//
// Finds every fault, in the order and words of the JSON Schema validator that stock clients were
// written against. Never changes the value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "workers/common/base/json.h"

namespace gateway {

enum class Kind {
    any,
    text,
    filled_text,
    text_or_null,
    integer,
    boolean,
    text_list,
    boolean_map,
    object
};

struct Shape;

struct Field {
    std::string_view name;
    Kind kind = Kind::any;
    bool required = false;
    // Kind::object: what is inside.
    const Shape* inside = nullptr;
    // Texts: not empty means one of these.
    std::span<const std::string_view> one_of = {};
    // Integers.
    int64_t at_least = INT64_MIN;
};

// An object with these members and no others.
struct Shape {
    std::span<const Field> fields;
};

// "must have required property 'x'; at root: unexpected property 'y'"; empty when the value fits.
std::string faults_of(const Json& value, const Shape& shape);

// An object without members.
extern const Shape no_members;

}  // namespace gateway
