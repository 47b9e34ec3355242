#include "workers/planner/schema_words.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace planner {

namespace {

constexpr std::string_view digits = "0123456789";

size_t count_of(std::string_view text, std::string_view characters) {
    return std::min(text.find_first_not_of(characters), text.size());
}

// "30m", "1.5h", "500ms", "0"
bool is_duration(std::string_view text) {
    size_t number = count_of(text, digits);
    if (number == 0) return false;
    if (number < text.size() && text[number] == '.') {
        const size_t fraction = count_of(text.substr(number + 1), digits);
        if (fraction == 0) return false;
        number += 1 + fraction;
    }
    const std::string_view unit = text.substr(number);
    constexpr std::string_view units[] = {"", "ms", "s", "m", "h", "d"};
    return std::find(std::begin(units), std::end(units), unit) != std::end(units);
}

bool is_time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return false;
    const std::string_view hour = text.substr(0, 2), minute = text.substr(3);
    if (count_of(hour, digits) != 2 || count_of(minute, digits) != 2) return false;
    return text == "24:00" || (hour < "24" && minute < "60");
}

bool is_color(std::string_view text) {
    if (!text.empty() && text[0] == '#') text.remove_prefix(1);
    return text.size() == 6 && count_of(text, "0123456789abcdefABCDEF") == 6;
}

bool is_command_name(std::string_view text) {
    return !text.empty() && text.size() <= 32 &&
           count_of(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == text.size();
}

struct Format {
    std::string_view name;
    bool (*fits)(std::string_view);
    const char* expected;
};

constexpr Format formats[] = {
    {"duration", is_duration, "a duration such as \"30m\", \"1h\" or \"0\""},
    {"time-of-day", is_time_of_day, "a time of day such as \"08:30\""},
    {"color", is_color, "a colour of six hexadecimal digits"},
    {"command-name", is_command_name, "1 to 32 of a-z, 0-9 and _"},
};

struct Type {
    std::string_view name;
    const char* with_article;
    bool (*fits)(const Json&);
};

bool is_whole(const Json& value) {
    return value.is_number_integer() ||
           (value.is_number_float() && value.get<double>() == std::trunc(value.get<double>()));
}

// Read from the top: the first that fits names what was found.
constexpr Type types[] = {
    {"object", "an object", [](const Json& value) { return value.is_object(); }},
    {"array", "a list", [](const Json& value) { return value.is_array(); }},
    {"string", "a text", [](const Json& value) { return value.is_string(); }},
    {"boolean", "true or false", [](const Json& value) { return value.is_boolean(); }},
    {"integer", "a whole number", is_whole},
    {"number", "a number", [](const Json& value) { return value.is_number(); }},
    {"null", "null", [](const Json& value) { return value.is_null(); }},
};

const Type& type_named(std::string_view name) {
    for (const Type& type : types)
        if (type.name == name) return type;
    std::abort();
}

// How many letters are wrong, missing, too many or swapped with their neighbour.
size_t distance(std::string_view left, std::string_view right) {
    std::vector<size_t> before, above(right.size() + 1), row(right.size() + 1);
    for (size_t column = 0; column <= right.size(); ++column) row[column] = column;
    for (size_t line = 1; line <= left.size(); ++line) {
        before = above;
        above = row;
        row[0] = line;
        for (size_t column = 1; column <= right.size(); ++column) {
            const char here = left[line - 1], there = right[column - 1];
            row[column] = std::min({above[column - 1] + (here == there ? 0 : 1),
                                    row[column - 1] + 1, above[column] + 1});
            const bool swapped =
                line > 1 && column > 1 && here == right[column - 2] && left[line - 2] == there;
            if (swapped) row[column] = std::min(row[column], before[column - 2] + 1);
        }
    }
    return row.back();
}

}  // namespace

bool is_of_type(const Json& value, std::string_view type) {
    return type_named(type).fits(value);
}

const char* type_with_article(std::string_view type) {
    return type_named(type).with_article;
}

std::string found_in(const Json& value) {
    if (value.is_boolean() || value.is_number()) return print_json(value);
    for (const Type& type : types)
        if (type.fits(value)) return type.with_article;
    return "something else";
}

const char* expected_by_format(std::string_view format, std::string_view text) {
    for (const Format& row : formats)
        if (row.name == format) return row.fits(text) ? nullptr : row.expected;
    return nullptr;
}

std::string joined_by_or(const std::vector<std::string>& words) {
    std::string text;
    for (size_t index = 0; index < words.size(); ++index) {
        if (index > 0) text += index + 1 == words.size() ? " or " : ", ";
        text += words[index];
    }
    return text;
}

std::string suggestion(const std::string& key, const Json& known) {
    constexpr size_t longest_key = 40;
    if (!known.is_object() || key.size() > longest_key) return "";
    std::string best;
    size_t best_distance = key.size() > 4 ? 3 : 2;  // has to be less
    for (const auto& [name, schema] : known.items())
        if (const size_t here = distance(key, name); here < best_distance) {
            best = name;
            best_distance = here;
        }
    return best.empty() ? "" : "did you mean \"" + best + "\"?";
}

}  // namespace planner
