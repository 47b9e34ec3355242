#include "workers/agent/tool_arguments.h"

#include <algorithm>

namespace agent {

namespace {

struct TypeName {
    std::string_view name;
    bool (*is)(const Json& value);
};
constexpr TypeName type_names[] = {
    {"string", [](const Json& value) { return value.is_string(); }},
    {"boolean", [](const Json& value) { return value.is_boolean(); }},
    {"object", [](const Json& value) { return value.is_object(); }},
    {"array", [](const Json& value) { return value.is_array(); }},
    {"number", [](const Json& value) { return value.is_number(); }},
    {"integer",
     [](const Json& value) {
         return value.is_number_integer() ||
                (value.is_number_float() &&
                 value.get<double>() == static_cast<double>(static_cast<int64_t>(
                                            std::clamp(value.get<double>(), -9e15, 9e15))));
     }},
    {"null", [](const Json& value) { return value.is_null(); }},
};

bool has_type(const Json& value, std::string_view name) {
    for (const TypeName& row : type_names)
        if (row.name == name) return row.is(value);
    return true;  // a type that is not known here is the tool's business
}

bool has_one_of(const Json& value, const Json& type) {
    if (type.is_string()) return has_type(value, type.get_ref<const std::string&>());
    if (!type.is_array() || type.empty()) return true;
    return std::any_of(type.begin(), type.end(), [&](const Json& each) {
        return !each.is_string() || has_type(value, each.get_ref<const std::string&>());
    });
}

std::string problem_at(const Json& schema, const Json& value, const std::string& place) {
    const std::string name = place.empty() ? "the arguments" : place;
    if (const Json& type = member(schema, "type"); !has_one_of(value, type))
        return name + " must be " + (type.is_string() ? type.get<std::string>() : print_json(type));
    const Json& choices = member(schema, "enum");
    if (choices.is_array() && std::find(choices.begin(), choices.end(), value) == choices.end())
        return name + " must be one of " + print_json(choices);
    if (value.is_array() && member(schema, "items").is_object())
        for (size_t index = 0; index < value.size(); ++index)
            if (std::string found = problem_at(member(schema, "items"), value[index],
                                               place + "[" + std::to_string(index) + "]");
                !found.empty())
                return found;
    if (!value.is_object()) return {};
    const std::string prefix = place.empty() ? "" : place + ".";
    for (const Json& required : member(schema, "required"))
        if (required.is_string() && !value.contains(required.get_ref<const std::string&>()))
            return prefix + required.get<std::string>() + " is missing";
    for (const auto& [key, inner] : member(schema, "properties").items())
        if (value.contains(key))
            if (std::string found = problem_at(inner, value[key], prefix + key); !found.empty())
                return found;
    return {};
}

}  // namespace

std::string argument_problem(const Json& schema, const Json& arguments) {
    return problem_at(schema, arguments, {});
}

}  // namespace agent
