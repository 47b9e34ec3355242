// JSON at the boundary: parsing that cannot run away, printing that cannot throw.
//
// The parser accepts any depth and dump() recurses, so a deeply nested text would end the process
// by stack overflow: parse_json refuses more than 64 levels.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "workers/common/base/result.h"

using Json = nlohmann::ordered_json;

// Compiled once, in json.cpp: it is two fifths of the build time otherwise.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

inline constexpr int deepest_json = 64;

// bad_message with position and reason when the text is no JSON, or nested too deeply. An escape of
// half a surrogate pair alone is read as U+FFFD.
Result<Json> parse_json(std::string_view text);
// Compact; invalid UTF-8 is replaced by U+FFFD.
std::string print_json(const Json& value);

// Appends `text` as print_json prints a string; several times faster for plain ASCII.
void append_quoted(std::string& out, std::string_view text);

// The member `key` of an object, or null (a shared constant) when it is missing or `value` is no
// object.
const Json& member(const Json& value, std::string_view key);
// Walks "a.b.c" through objects; null where a step is missing.
const Json& member_at(const Json& value, std::string_view dotted_path);
// The member as a string, or `fallback` when it is missing or of another type.
std::string text_member(const Json& value, std::string_view key, std::string_view fallback = {});
// A text, or a whole number as one: ids come as either. Empty: anything else.
std::string id_member(const Json& value, std::string_view key);
// The same without a copy; empty when it is missing. Valid as long as `value`.
std::string_view text_view(const Json& value, std::string_view key);
int64_t int_member(const Json& value, std::string_view key, int64_t fallback = 0);
bool bool_member(const Json& value, std::string_view key, bool fallback = false);
