// A text as a sequence of Unicode characters with line and column. Bytes that are no UTF-8 read as
// U+FFFD, so that a stray byte in a comment does not make a file unreadable.
#pragma once

#include <string>
#include <string_view>

#include "workers/planner/source.h"

namespace planner {

class Characters {
  public:
    static constexpr char32_t end = 0xFFFFFFFF;

    explicit Characters(std::string_view text) : text_(text) { decode(); }

    char32_t peek() const { return current_; }
    char32_t peek_second() const;
    bool at_end() const { return current_ == end; }
    Position position() const { return position_; }
    size_t offset() const { return offset_; }  // in bytes
    // Returns the current character and moves on. \r\n, \r, U+2028 and U+2029 end lines too.
    char32_t take();
    bool take_if(char32_t wanted);
    // Whether the text continues so (ASCII); takes it if it does.
    bool take_if(std::string_view wanted);

  private:
    void decode();

    std::string_view text_;
    size_t offset_ = 0;
    char32_t current_ = end;
    size_t size_ = 0;  // bytes of the current character
    Position position_{1, 1};
};

void append_utf8(std::string& to, char32_t character);
// The text with every byte that is no UTF-8 replaced by U+FFFD: protobuf refuses others.
std::string valid_utf8(std::string_view text);
bool is_line_end(char32_t character);
bool is_space(char32_t character);  // JSON5's white space, line ends included
bool starts_identifier(char32_t character);
bool continues_identifier(char32_t character);
int hex_value(char32_t character);  // -1: no hex digit

}  // namespace planner
