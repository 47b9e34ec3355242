#include "workers/voice/spoken_text.h"

#include <algorithm>

namespace voice {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view without_blanks(std::string_view line) {
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    return line;
}

// "## ", "> ", "- ", "* ", "+ "; numbers of lists are spoken.
std::string_view without_line_marks(std::string_view line) {
    line = without_blanks(line);
    while (!line.empty() && (line.front() == '#' || line.front() == '>')) line.remove_prefix(1);
    line = without_blanks(line);
    const bool is_item = line.size() > 1 && is_blank(line[1]) &&
                         (line[0] == '-' || line[0] == '*' || line[0] == '+');
    return without_blanks(is_item ? line.substr(2) : line);
}

bool is_rule_or_fence(std::string_view line) {
    if (line.starts_with("```") || line.starts_with("~~~")) return true;
    return line.size() >= 3 && line.find_first_not_of("-*_|: ") == std::string_view::npos;
}

// "[text](address)": the text. Nothing when there is no link here.
size_t link_at(std::string_view line, std::string& out) {
    const size_t close = line.find("](");
    if (close == std::string_view::npos || line.substr(1, close).find('[') < close - 1) return 0;
    const size_t end = line.find(')', close);
    if (end == std::string_view::npos) return 0;
    out += line.substr(1, close - 1);
    return end + 1;
}

size_t address_at(std::string_view line) {
    if (!line.starts_with("http://") && !line.starts_with("https://")) return 0;
    return std::min(line.find_first_of(" \t)>\"'"), line.size());
}

// Of pictures (four bytes in UTF-8) and of the signs that choose or join them.
size_t picture_at(std::string_view line) {
    const auto byte = static_cast<unsigned char>(line[0]);
    if (byte >= 0xF0) return std::min<size_t>(4, line.size());
    const std::string_view three = line.substr(0, 3);
    return three == "\xEF\xB8\x8F" || three == "\xE2\x80\x8D" ? 3 : 0;
}

std::string spoken_line(std::string_view line) {
    std::string out;
    line = without_line_marks(line);
    while (!line.empty()) {
        size_t skip = 0;
        if (line[0] == '!' && line.substr(1).starts_with("[")) skip = 1;
        if (skip == 0 && line[0] == '[') skip = link_at(line, out);
        if (skip == 0) skip = address_at(line);
        if (skip == 0) skip = picture_at(line);
        if (skip == 0 && (line[0] == '*' || line[0] == '`' || line[0] == '|' || line[0] == '~'))
            skip = 1;
        if (skip == 0) {
            out += static_cast<unsigned char>(line[0]) < 0x20 || line[0] == 0x7f ? ' ' : line[0];
            skip = 1;
        }
        line.remove_prefix(skip);
    }
    return out;
}

std::string shortened(std::string text) {
    if (text.size() <= longest_speech) return text;
    size_t end = longest_speech;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    const size_t sentence = text.find_last_of(".!?");
    if (sentence != std::string::npos && sentence > longest_speech / 2) text.resize(sentence + 1);
    return text;
}

}  // namespace

std::string spoken_text(std::string_view markdown) {
    std::string text;
    while (!markdown.empty()) {
        const size_t end = std::min(markdown.find('\n'), markdown.size());
        const std::string_view line = without_blanks(markdown.substr(0, end));
        markdown.remove_prefix(std::min(end + 1, markdown.size()));
        if (is_rule_or_fence(line)) continue;
        const std::string spoken = spoken_line(line);
        const std::string_view words = without_blanks(spoken);
        if (words.empty()) continue;
        if (!text.empty())
            text +=
                std::string_view(".!?:;,").find(text.back()) == std::string_view::npos ? ". " : " ";
        text += words;
    }
    return shortened(std::move(text));
}

std::string xml_text(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        switch (c) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            case '\'':
                safe += "&apos;";
                break;
            default:
                safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
        }
    }
    return safe;
}

}  // namespace voice
