#include "workers/gateway/shape.h"

#include <algorithm>
#include <vector>

#include "workers/gateway/frames.h"

namespace gateway {

namespace {

using Faults = std::vector<std::string>;

// A frame holds thousands of members, and nobody reads what is wrong with each.
constexpr size_t most_faults = 32;
constexpr size_t longest_name = 100;

void add(Faults& faults, const std::string& path, const std::string& text) {
    if (faults.size() >= most_faults) return;
    std::string fault = path.empty() ? text : "at " + path + ": " + text;
    if (std::find(faults.begin(), faults.end(), fault) == faults.end())
        faults.push_back(std::move(fault));
}

void check_object(Faults& faults, const std::string& path, const Json& value, const Shape& shape);

void check_text(Faults& faults, const std::string& path, const Json& value, const Field& field) {
    if (!field.one_of.empty()) {
        const bool known = value.is_string() &&
                           std::find(field.one_of.begin(), field.one_of.end(),
                                     value.get_ref<const std::string&>()) != field.one_of.end();
        if (known) return;
        add(faults, path, "must be equal to constant");
        if (field.one_of.size() > 1) add(faults, path, "must match a schema in anyOf");
        return;
    }
    if (!value.is_string()) return add(faults, path, "must be string");
    if (field.kind == Kind::filled_text && value.get_ref<const std::string&>().empty())
        add(faults, path, "must NOT have fewer than 1 characters");
}

bool is_integer(const Json& value) {
    if (value.is_number_integer()) return true;
    if (!value.is_number_float()) return false;
    const double number = value.get<double>();
    // Beyond this a double holds no fractions, and would not fit an int64_t either.
    return number > -9.0e15 && number < 9.0e15 &&
           number == static_cast<double>(static_cast<int64_t>(number));
}

void check_integer(Faults& faults, const std::string& path, const Json& value, const Field& field) {
    if (!is_integer(value)) return add(faults, path, "must be integer");
    const bool huge =
        value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
    if (!huge && value.get<int64_t>() < field.at_least)
        add(faults, path, "must be >= " + std::to_string(field.at_least));
}

void check_text_list(Faults& faults, const std::string& path, const Json& value) {
    if (!value.is_array()) return add(faults, path, "must be array");
    const Field item{{}, Kind::filled_text};
    size_t index = 0;
    for (const Json& entry : value)
        check_text(faults, path + "/" + std::to_string(index++), entry, item);
}

void check_boolean_map(Faults& faults, const std::string& path, const Json& value) {
    if (!value.is_object()) return add(faults, path, "must be object");
    for (const auto& [key, entry] : value.items())
        if (!entry.is_boolean())
            add(faults, path + "/" + cut_text(key, longest_name), "must be boolean");
}

void check_field(Faults& faults, const std::string& path, const Json& value, const Field& field) {
    switch (field.kind) {
        case Kind::any:
            return;
        case Kind::text:
        case Kind::filled_text:
            return check_text(faults, path, value, field);
        case Kind::text_or_null:
            if (!value.is_string() && !value.is_null()) add(faults, path, "must be string or null");
            return;
        case Kind::integer:
            return check_integer(faults, path, value, field);
        case Kind::boolean:
            if (!value.is_boolean()) add(faults, path, "must be boolean");
            return;
        case Kind::text_list:
            return check_text_list(faults, path, value);
        case Kind::boolean_map:
            return check_boolean_map(faults, path, value);
        case Kind::object:
            return check_object(faults, path, value, *field.inside);
    }
}

void check_object(Faults& faults, const std::string& path, const Json& value, const Shape& shape) {
    if (!value.is_object()) return add(faults, path, "must be object");
    for (const Field& field : shape.fields)
        if (field.required && !value.contains(field.name))
            add(faults, path, "must have required property '" + std::string(field.name) + "'");
    for (auto entry = value.begin(); entry != value.end(); ++entry) {
        const std::string& key = entry.key();
        const bool known = std::any_of(shape.fields.begin(), shape.fields.end(),
                                       [&](const Field& field) { return field.name == key; });
        if (!known)
            add(faults, path.empty() ? "root" : path,
                "unexpected property '" + cut_text(key, longest_name) + "'");
    }
    for (const Field& field : shape.fields) {
        const auto found = value.find(field.name);
        if (found != value.end())
            check_field(faults, path + "/" + std::string(field.name), *found, field);
    }
}

}  // namespace

const Shape no_members{};

std::string faults_of(const Json& value, const Shape& shape) {
    Faults faults;
    check_object(faults, {}, value, shape);
    std::string text;
    for (const std::string& fault : faults) text += (text.empty() ? "" : "; ") + fault;
    return text;
}

}  // namespace gateway
