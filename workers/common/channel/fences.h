// Where a Markdown text has code fences (CommonMark: three or more ` or ~, indented by at most
// three blanks). Pure.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

struct Fence {
    size_t begin = 0;          // of the opening line
    size_t body = 0;           // after its newline
    size_t end = 0;            // of the body: the start of the closing line, or the end of the text
    size_t after = 0;          // the end of the closing line, before its newline
    std::string_view opening;  // "```cpp"
    std::string_view closing;  // "```": what closes it
    bool is_closed = false;
};

// In the order of the text; they do not overlap.
std::vector<Fence> find_fences(std::string_view text);
