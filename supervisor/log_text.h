// The text of a log line: what is fit to be printed, and how JSON writes it.
#pragma once

#include <string>
#include <string_view>

namespace supervisor {

// True for printable ASCII and tabs, the common case: such text needs no escaping.
bool is_plain(std::string_view text);
// Makes control bytes and broken UTF-8 visible: \x1b. Tab stays. The result is valid UTF-8.
std::string escape_control(std::string_view text);
// The largest number of bytes up to `most` after which no character of UTF-8 is cut in two.
size_t whole_characters(std::string_view text, size_t most);

// As it stands between the quotes of a JSON string. Bytes above 0x7f stay as they are.
std::string json_escaped(std::string_view text);

struct Levelled {
    std::string_view level;  // "info" for text that names none
    std::string_view text;   // the rest
};
// Takes the word off that stands in front of every line but those of level info: "warn: ".
Levelled split_level(std::string_view text);

}  // namespace supervisor
