#include "workers/planner/value_path.h"

#include <algorithm>

namespace planner {

namespace {

constexpr size_t most_steps = 64;

Error malformed(std::string_view text, const std::string& why) {
    return Error{Fault::bad_message, "\"" + std::string(text) + "\" is no path of a key: " + why +
                                         "; write it like gateway.port or agents.list[0].id"};
}

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= 9 &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The text between brackets: a number, or a name that may be quoted.
PathStep bracketed(std::string_view inside) {
    const bool quoted = inside.size() >= 2 && inside.front() == inside.back() &&
                        (inside.front() == '"' || inside.front() == '\'');
    if (quoted) return {std::string(inside.substr(1, inside.size() - 2)), false};
    return {std::string(inside), is_number(inside)};
}

Json* next(Json& at, const PathStep& step) {
    if (at.is_object() && at.contains(step.name)) return &at[step.name];
    if (at.is_array() && is_number(step.name) && std::stoul(step.name) < at.size())
        return &at[std::stoul(step.name)];
    return nullptr;
}

// Adds the step's place to what is empty or open for it; null: it cannot have one.
Json* make(Json& at, const PathStep& step) {
    if (at.is_null()) at = step.is_index ? Json::array() : Json::object();
    if (at.is_object()) return &at[step.name];
    if (at.is_array() && step.name == std::to_string(at.size())) return &at.emplace_back(nullptr);
    return nullptr;
}

}  // namespace

Result<ValuePath> parse_value_path(std::string_view text) {
    ValuePath path;
    for (size_t at = 0; at < text.size();) {
        if (text[at] == '[') {
            const size_t close = text.find(']', at);
            if (close == std::string_view::npos) return malformed(text, "a ] is missing");
            path.push_back(bracketed(text.substr(at + 1, close - at - 1)));
            at = close + 1;
            if (at < text.size() && text[at] == '.') ++at;
        } else {
            const size_t end = std::min(text.find_first_of(".[", at), text.size());
            path.push_back({std::string(text.substr(at, end - at)), false});
            at = end < text.size() && text[end] == '.' ? end + 1 : end;
        }
        if (path.back().name.empty()) return malformed(text, "a name is empty");
    }
    if (path.empty() || text.back() == '.') return malformed(text, "a name is missing");
    if (path.size() > most_steps) return malformed(text.substr(0, 80), "it is too long");
    return path;
}

const Json* find_value(const Json& config, const ValuePath& path) {
    const Json* at = &config;
    for (const PathStep& step : path)
        if (at = next(const_cast<Json&>(*at), step); !at) return nullptr;
    return at;
}

Done set_value(Json& config, const ValuePath& path, Json value) {
    Json* at = &config;
    std::string way;
    for (const PathStep& step : path) {
        Json* inner = next(*at, step);
        if (!inner) inner = make(*at, step);
        if (!inner)
            return Error{
                Fault::bad_message,
                (way.empty() ? "the file" : way) + " is " + at->type_name() +
                    (at->is_array() ? " of " + std::to_string(at->size()) + " entries" : "") +
                    ": there is no place for " + step.name + " in it"};
        at = inner;
        way += (way.empty() ? "" : ".") + step.name;
    }
    *at = std::move(value);
    return {};
}

bool remove_value(Json& config, const ValuePath& path) {
    Json* at = &config;
    for (size_t index = 0; index + 1 < path.size(); ++index)
        if (at = next(*at, path[index]); !at) return false;
    if (!next(*at, path.back())) return false;
    if (at->is_array())
        at->erase(std::stoul(path.back().name));
    else
        at->erase(path.back().name);
    return true;
}

}  // namespace planner
