// What people read: tables, times, sizes, colour, error lines. Pure text in, text out, but for the
// two functions that print.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/result.h"
#include "workers/common/doctor/words.h"

namespace cli {

enum class Colour { none, good, warn, bad, faint };

// Whether to colour: decided once, from the terminal and NO_COLOR.
class Style {
  public:
    explicit Style(bool colour = false) : colour_(colour) {}
    std::string paint(Colour colour, const std::string& text) const;

  private:
    bool colour_;
};

struct Cell {
    std::string text;
    Colour colour = Colour::none;
};

// Columns two spaces apart, the last one not padded; the first row is the heading. With `columns`
// the last one is cut so that a line fits.
std::string table(const std::vector<std::vector<Cell>>& rows, const Style& style,
                  size_t columns = 0);
// The first `columns` letters; what is cut off leaves a "…".
std::string cut(const std::string& text, size_t columns);
// How wide the terminal is; 0 when standard output is none.
size_t terminal_columns();

// "340 ms", "12 s", "3 min 20 s", "4 h 5 min", "12 d 3 h".
std::string duration(int64_t milliseconds);
using doctor::printable;
using doctor::size;

// Percent-encodes everything but letters, digits and -._~
std::string url_encode(std::string_view text);

// To standard output; false when it is closed or full.
bool print(std::string_view text);
// The name this program was called by: "openclaw" through a link of that name, else "hardshell".
void set_program_name(const char* called);
const std::string& program_name();

// "hardshell: <what>" to standard error.
void complain(const std::string& what);
// complain(error.what), and the exit code for it.
int fail(const Error& error);

}  // namespace cli
