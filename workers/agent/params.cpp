#include "workers/agent/params.h"

#include <algorithm>

namespace agent {

namespace {

// Nobody reads what is wrong with each of thousands of members.
constexpr size_t most_faults = 32;
constexpr size_t longest_name = 100;

bool has_kind(const Json& value, Field::Kind kind) {
    switch (kind) {
        case Field::Kind::text:
            return value.is_string();
        case Field::Kind::text_or_null:
            return value.is_string() || value.is_null();
        case Field::Kind::boolean:
            return value.is_boolean();
        case Field::Kind::integer:
            return value.is_number_integer() ||
                   (value.is_number_float() &&
                    value.get<double>() == static_cast<double>(int_member({{"v", value}}, "v")));
        case Field::Kind::number:
            return value.is_number();
        case Field::Kind::array:
        case Field::Kind::text_list:
            return value.is_array();
        case Field::Kind::any:
            return true;
    }
    return false;
}

const char* kind_name(Field::Kind kind) {
    switch (kind) {
        case Field::Kind::text:
        case Field::Kind::text_or_null:
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

std::string size_fault(const Field& field, int64_t size, const char* unit) {
    if (size < field.least)
        return "must NOT have fewer than " + std::to_string(field.least) + " " + unit;
    if (size > field.most)
        return "must NOT have more than " + std::to_string(field.most) + " " + unit;
    return {};
}

std::string number_fault(const Field& field, const Json& value) {
    const int64_t number = int_member({{"v", value}}, "v", field.least);
    if (number < field.least) return "must be >= " + std::to_string(field.least);
    if (number > field.most) return "must be <= " + std::to_string(field.most);
    return {};
}

std::string list_fault(const Field& field, const Json& value) {
    for (const Json& item : value) {
        if (!item.is_string()) return "must hold strings only";
        if (item.get_ref<const std::string&>().empty()) return "must NOT hold empty strings";
    }
    return size_fault(field, static_cast<int64_t>(value.size()), "items");
}

std::string fault_of(const Field& field, const Json& value) {
    if (!has_kind(value, field.kind)) return std::string("must be ") + kind_name(field.kind);
    if (field.kind == Field::Kind::text_list) return list_fault(field, value);
    if (field.kind == Field::Kind::any) return {};
    if (value.is_string())
        return size_fault(field, static_cast<int64_t>(value.get_ref<const std::string&>().size()),
                          "characters");
    return value.is_number() ? number_fault(field, value) : std::string();
}

}  // namespace

std::string check_params(const char* method, const Json& params, std::span<const Field> fields) {
    std::string faults;
    size_t count = 0;
    const auto add = [&](const std::string& fault) {
        if (++count > most_faults) return;
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
            add("at root: unexpected property '" + name.substr(0, longest_name) + "'");
    }
    for (const Field& field : fields) {
        if (params.is_null() || !params.contains(field.name)) continue;
        const std::string fault = fault_of(field, params[field.name]);
        if (!fault.empty()) add("at /" + std::string(field.name) + ": " + fault);
    }
    return faults;
}

}  // namespace agent
