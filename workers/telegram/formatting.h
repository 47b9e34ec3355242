// Markdown, as models write it, to what Telegram shows: its own small HTML. Pure.
//
// Whatever goes in, what comes out is HTML that Telegram takes: tags nest and are closed, and only
// those exist that it knows. Headings, quotes and lists become plain lines, tables become code.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telegram {

// How much Telegram takes in one message, and under a picture, in UTF-16 units after the HTML is
// read.
inline constexpr size_t longest_text = 4096;
inline constexpr size_t longest_caption = 1024;

struct Formatted {
    std::string html;
    size_t units = 0;  // of the text that is shown
};

Formatted format_markdown(std::string_view markdown);
std::string escape_html(std::string_view text);

// A reply in the pieces that are sent as messages, the same ones each time. The limit is for the
// Markdown; none of them is blank.
std::vector<std::string> pieces_of(std::string_view markdown, size_t limit, bool by_paragraph);

// What to send of a piece: HTML, or the text as it is when the HTML would be too long or blank.
struct Sendable {
    std::string text;
    bool is_html = false;
};
Sendable sendable(std::string_view markdown, size_t longest);

}  // namespace telegram
