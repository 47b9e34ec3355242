#include "workers/tools/page_text.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace tools {

namespace {

// Elements whose content is not for readers.
constexpr std::string_view hidden[] = {"script", "style",  "noscript", "template",
                                       "svg",    "iframe", "head"};
// Elements that begin a new line, and how many line feeds come before and after.
struct Block {
    std::string_view name;
    int lines;
};
constexpr Block blocks[] = {
    {"p", 2},      {"div", 1},  {"section", 1}, {"article", 1}, {"br", 1},     {"tr", 1},
    {"ul", 2},     {"ol", 2},   {"li", 1},      {"table", 2},   {"pre", 2},    {"h1", 2},
    {"h2", 2},     {"h3", 2},   {"h4", 2},      {"h5", 2},      {"h6", 2},     {"header", 1},
    {"footer", 1}, {"main", 1}, {"nav", 1},     {"hr", 2},      {"form", 1},   {"dl", 2},
    {"dt", 1},     {"dd", 1},   {"aside", 1},   {"figure", 1},  {"option", 1}, {"blockquote", 2},
};

struct Entity {
    std::string_view name;
    const char* text;
};
constexpr Entity entities[] = {
    {"amp", "&"},    {"lt", "<"},    {"gt", ">"},    {"quot", "\""},  {"apos", "'"},
    {"nbsp", " "},   {"ndash", "–"}, {"mdash", "—"}, {"hellip", "…"}, {"copy", "©"},
    {"reg", "®"},    {"trade", "™"}, {"laquo", "«"}, {"raquo", "»"},  {"ldquo", "“"},
    {"rdquo", "”"},  {"lsquo", "‘"}, {"rsquo", "’"}, {"bull", "•"},   {"middot", "·"},
    {"euro", "€"},   {"pound", "£"}, {"auml", "ä"},  {"ouml", "ö"},   {"uuml", "ü"},
    {"Auml", "Ä"},   {"Ouml", "Ö"},  {"Uuml", "Ü"},  {"szlig", "ß"},  {"eacute", "é"},
    {"egrave", "è"}, {"times", "×"}, {"deg", "°"},   {"sect", "§"},   {"shy", ""},
};
constexpr size_t longest_entity = 10;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void append_character(std::string& out, uint32_t code) {
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) code = 0xfffd;
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 63));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xe0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 63));
        out += static_cast<char>(0x80 | (code & 63));
    } else {
        out += static_cast<char>(0xf0 | code >> 18);
        out += static_cast<char>(0x80 | (code >> 12 & 63));
        out += static_cast<char>(0x80 | (code >> 6 & 63));
        out += static_cast<char>(0x80 | (code & 63));
    }
}

std::string decoded(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const size_t sign = text.find('&');
        out += text.substr(0, sign);
        if (sign == std::string_view::npos) break;
        text.remove_prefix(sign + 1);
        const size_t end = text.substr(0, longest_entity).find(';');
        const std::string_view name = text.substr(0, end == std::string_view::npos ? 0 : end);
        const auto known = std::find_if(std::begin(entities), std::end(entities),
                                        [&](const Entity& row) { return row.name == name; });
        if (name.size() > 1 && name[0] == '#') {
            const bool hex = name[1] == 'x' || name[1] == 'X';
            const std::string digits(name.substr(hex ? 2 : 1));
            append_character(
                out, static_cast<uint32_t>(std::strtoul(digits.c_str(), nullptr, hex ? 16 : 10)));
        } else if (known != std::end(entities)) {
            out += known->text;
        } else {
            out += '&';
            continue;
        }
        text.remove_prefix(end + 1);
    }
    return out;
}

struct Tag {
    std::string name;  // lower case; "/p" closes
    std::string_view attributes;
};

std::string attribute(std::string_view attributes, std::string_view wanted) {
    for (size_t at = 0; at < attributes.size();) {
        while (at < attributes.size() && (is_space(attributes[at]) || attributes[at] == '/')) ++at;
        const size_t begin = at;
        while (at < attributes.size() && !is_space(attributes[at]) && attributes[at] != '=') ++at;
        std::string name(attributes.substr(begin, at - begin));
        std::transform(name.begin(), name.end(), name.begin(), lower);
        while (at < attributes.size() && is_space(attributes[at])) ++at;
        std::string_view value;
        if (at < attributes.size() && attributes[at] == '=') {
            ++at;
            while (at < attributes.size() && is_space(attributes[at])) ++at;
            const char quote = at < attributes.size() ? attributes[at] : ' ';
            const bool quoted = quote == '"' || quote == '\'';
            const size_t first = quoted ? at + 1 : at;
            size_t end = first;
            while (end < attributes.size() &&
                   (quoted ? attributes[end] != quote : !is_space(attributes[end])))
                ++end;
            value = attributes.substr(first, end - first);
            at = end + (quoted ? 1 : 0);
        } else if (begin == at) {
            ++at;
        }
        if (name == wanted) return decoded(value);
    }
    return {};
}

class Reader {
  public:
    Reader(std::string_view html, PageStyle style) : rest_(html), style_(style) {}

    std::string read() {
        while (!rest_.empty()) {
            const size_t open = rest_.find('<');
            say(rest_.substr(0, open));
            if (open == std::string_view::npos) break;
            rest_.remove_prefix(open);
            take_tag();
        }
        while (!out_.empty() && is_space(out_.back())) out_.pop_back();
        return out_;
    }

  private:
    void take_tag() {
        if (rest_.starts_with("<!--")) return skip_past("-->");
        const char first = rest_.size() > 1 ? rest_[1] : ' ';
        const bool is_tag = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                            first == '/' || first == '!' || first == '?';
        if (!is_tag) {
            say("<");
            rest_.remove_prefix(1);
            return;
        }
        const size_t end = end_of_tag();
        const Tag tag = tag_of(rest_.substr(1, end - 1));
        rest_.remove_prefix(std::min(rest_.size(), end + 1));
        if (std::find(std::begin(hidden), std::end(hidden), tag.name) != std::end(hidden))
            return skip_past("</" + tag.name);
        show(tag);
    }

    size_t end_of_tag() const {
        char quote = 0;
        for (size_t at = 1; at < rest_.size(); ++at) {
            const char c = rest_[at];
            if (quote != 0) {
                if (c == quote) quote = 0;
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else if (c == '>') {
                return at;
            }
        }
        return rest_.size();
    }

    static Tag tag_of(std::string_view text) {
        size_t end = text.starts_with("/") ? 1 : 0;
        while (end < text.size() && !is_space(text[end]) && text[end] != '/') ++end;
        std::string name(text.substr(0, end));
        std::transform(name.begin(), name.end(), name.begin(), lower);
        return {std::move(name), text.substr(end)};
    }

    void skip_past(std::string_view mark) {
        const auto found = std::search(rest_.begin(), rest_.end(), mark.begin(), mark.end(),
                                       [](char a, char b) { return lower(a) == lower(b); });
        size_t at = static_cast<size_t>(found - rest_.begin());
        at = mark == "-->" ? at + mark.size() - 1 : rest_.find('>', std::min(at, rest_.size()));
        rest_.remove_prefix(at >= rest_.size() ? rest_.size() : at + 1);
    }

    void show(const Tag& tag) {
        const bool closes = tag.name.starts_with('/');
        const std::string_view name = std::string_view(tag.name).substr(closes ? 1 : 0);
        for (const Block& row : blocks)
            if (row.name == name) break_lines(row.lines);
        if (name == "td" || name == "th") pending_space_ = true;
        if (style_ == PageStyle::text) return;
        if (!closes && name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6')
            put(std::string(static_cast<size_t>(name[1] - '0'), '#') + " ");
        if (!closes && name == "li") put("- ");
        if (name == "a") link(tag, closes);
    }

    void link(const Tag& tag, bool closes) {
        if (!closes) {
            link_ = attribute(tag.attributes, "href");
            if (!link_.starts_with("http")) link_.clear();
            if (!link_.empty()) put("[");
        } else if (!link_.empty()) {
            out_ += "](" + link_ + ")";
            link_.clear();
        }
    }

    void break_lines(int lines) {
        pending_lines_ = std::max(pending_lines_, lines);
        pending_space_ = false;
    }

    void put(std::string_view text) {
        if (pending_lines_ > 0 && !out_.empty())
            out_.append(static_cast<size_t>(pending_lines_), '\n');
        else if (pending_space_ && !out_.empty())
            out_ += ' ';
        pending_lines_ = 0;
        pending_space_ = false;
        out_ += text;
    }

    void say(std::string_view text) {
        const std::string plain = decoded(text);
        std::string word;
        for (const char c : plain) {
            if (!is_space(c)) {
                word += c;
                continue;
            }
            if (!word.empty()) put(std::exchange(word, {}));
            pending_space_ = true;
        }
        if (!word.empty()) put(word);
    }

    std::string_view rest_;
    const PageStyle style_;
    std::string out_;
    std::string link_;
    int pending_lines_ = 0;
    bool pending_space_ = false;
};

}  // namespace

std::string page_text(std::string_view html, PageStyle style) {
    return Reader(html, style).read();
}

std::string page_title(std::string_view html) {
    const auto find = [&](std::string_view mark, size_t from) {
        const auto found =
            std::search(html.begin() + static_cast<long>(from), html.end(), mark.begin(),
                        mark.end(), [](char a, char b) { return lower(a) == lower(b); });
        return static_cast<size_t>(found - html.begin());
    };
    const size_t open = find("<title", 0);
    if (open >= html.size()) return {};
    const size_t begin = html.find('>', open);
    if (begin == std::string_view::npos) return {};
    const size_t end = find("</title", begin);
    return Reader(html.substr(begin + 1, end - begin - 1), PageStyle::text).read();
}

}  // namespace tools
