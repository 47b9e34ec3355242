#include "workers/cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cli {

namespace {

// On a narrow terminal a line is rather broken than cut to nothing.
constexpr size_t least_cut = 16;

const char* code_of(Colour colour) {
    switch (colour) {
        case Colour::good:
            return "\x1b[32m";
        case Colour::warn:
            return "\x1b[33m";
        case Colour::bad:
            return "\x1b[31m";
        case Colour::faint:
            return "\x1b[2m";
        case Colour::none:
            break;
    }
    return "";
}

// Letters as a terminal counts them: UTF-8 continuation bytes take no column.
size_t columns_of(const std::string& text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string two(int64_t major, const char* major_unit, int64_t minor, const char* minor_unit) {
    std::string out = std::to_string(major) + " " + major_unit;
    if (minor > 0) out += " " + std::to_string(minor) + " " + minor_unit;
    return out;
}

}  // namespace

std::string Style::paint(Colour colour, const std::string& text) const {
    if (!colour_ || colour == Colour::none || text.empty()) return text;
    return code_of(colour) + text + "\x1b[0m";
}

std::string table(const std::vector<std::vector<Cell>>& rows, const Style& style, size_t columns) {
    std::vector<size_t> widths;
    for (const auto& row : rows)
        for (size_t i = 0; i < row.size(); ++i) {
            if (widths.size() <= i) widths.push_back(0);
            widths[i] = std::max(widths[i], columns_of(row[i].text));
        }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        size_t used = 0;
        for (size_t i = 0; i < row.size(); ++i) {
            const bool last = i + 1 == row.size();
            const size_t left = columns > used ? std::max(columns - used, least_cut) : least_cut;
            const std::string text = last && columns > 0 ? cut(row[i].text, left) : row[i].text;
            line += style.paint(row[i].colour, text);
            if (!last) line.append(widths[i] - columns_of(text) + 2, ' ');
            used += widths[i] + 2;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::string cut(const std::string& text, size_t columns) {
    if (columns_of(text) <= columns) return text;
    size_t end = 0;
    for (size_t letters = 0; end < text.size(); ++end)
        if ((text[end] & 0xc0) != 0x80 && ++letters >= columns) break;
    return text.substr(0, end) + "…";
}

size_t terminal_columns() {
    winsize window{};
    if (::isatty(STDOUT_FILENO) != 1 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return 0;
    return window.ws_col;
}

std::string duration(int64_t milliseconds) {
    const int64_t ms = std::max<int64_t>(milliseconds, 0);
    const int64_t s = ms / 1000, min = s / 60, h = min / 60;
    if (s < 1) return std::to_string(ms) + " ms";
    if (min < 1) return std::to_string(s) + " s";
    if (h < 1) return two(min, "min", s % 60, "s");
    if (h < 48) return two(h, "h", min % 60, "min");
    return two(h / 24, "d", h % 24, "h");
}

std::string url_encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        char escaped[4];
        std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(c));
        out += plain ? std::string(1, c) : std::string(escaped);
    }
    return out;
}

bool print(std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
           std::fflush(stdout) == 0;
}

namespace {

// Set once, before anything else runs.
std::string& called_name() {
    static std::string name = "hardshell";
    return name;
}

}  // namespace

void set_program_name(const char* called) {
    const std::string path = called ? called : "";
    const std::string name =
        path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
    called_name() = name == "openclaw" ? "openclaw" : "hardshell";
}

const std::string& program_name() {
    return called_name();
}

void complain(const std::string& what) {
    const std::string line = program_name() + ": " + printable(what, true) + "\n";
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

int fail(const Error& error) {
    complain(error.what);
    return 1;
}

}  // namespace cli
