#include "workers/agent/params.h"

#include <algorithm>

namespace agent {

namespace {

bool has_kind(const Json& value, Field::Kind kind) {
    switch (kind) {
        case Field::Kind::text:
            return value.is_string();
        case Field::Kind::boolean:
            return value.is_boolean();
        case Field::Kind::integer:
            return value.is_number_integer() ||
                   (value.is_number_float() &&
                    value.get<double>() == static_cast<double>(int_member({{"v", value}}, "v")));
        case Field::Kind::number:
            return value.is_number();
        case Field::Kind::array:
            return value.is_array();
        case Field::Kind::any:
            return true;
    }
    return false;
}

const char* kind_name(Field::Kind kind) {
    switch (kind) {
        case Field::Kind::text:
            return "string";
        case Field::Kind::boolean:
            return "boolean";
        case Field::Kind::integer:
            return "integer";
        case Field::Kind::number:
            return "number";
        default:
            return "array";
    }
}

std::string fault_of(const Field& field, const Json& value) {
    if (!has_kind(value, field.kind)) return std::string("must be ") + kind_name(field.kind);
    const bool is_text = field.kind == Field::Kind::text;
    if (!is_text && !value.is_number()) return {};
    const int64_t size = is_text ? static_cast<int64_t>(value.get_ref<const std::string&>().size())
                                 : int_member({{"v", value}}, "v", field.least);
    if (size < field.least)
        return is_text ? "must NOT have fewer than " + std::to_string(field.least) + " characters"
                       : "must be >= " + std::to_string(field.least);
    if (size > field.most)
        return is_text ? "must NOT have more than " + std::to_string(field.most) + " characters"
                       : "must be <= " + std::to_string(field.most);
    return {};
}

}  // namespace

std::string check_params(const char* method, const Json& params, std::span<const Field> fields) {
    std::string faults;
    const auto add = [&](const std::string& fault) {
        faults += faults.empty() ? "invalid " + std::string(method) + " params: " : "; ";
        faults += fault;
    };
    if (!params.is_object() && !params.is_null()) {
        add("must be object");
        return faults;
    }
    for (const Field& field : fields)
        if (field.required && (params.is_null() || !params.contains(field.name)))
            add("must have required property '" + std::string(field.name) + "'");
    for (const auto& item : params.items()) {
        const std::string& name = item.key();
        if (std::none_of(fields.begin(), fields.end(),
                         [&](const Field& field) { return name == field.name; }))
            add("at root: unexpected property '" + name + "'");
    }
    for (const Field& field : fields) {
        if (params.is_null() || !params.contains(field.name)) continue;
        const std::string fault = fault_of(field, params[field.name]);
        if (!fault.empty()) add("at /" + std::string(field.name) + ": " + fault);
    }
    return faults;
}

}  // namespace agent
