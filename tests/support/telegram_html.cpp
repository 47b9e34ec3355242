#include "tests/support/telegram_html.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>
#include <vector>

namespace {

using Json = nlohmann::json;

struct Tag {
    const char* name;
    const char* entity;
};
constexpr Tag tags[] = {
    {"b", "bold"},
    {"strong", "bold"},
    {"i", "italic"},
    {"em", "italic"},
    {"u", "underline"},
    {"ins", "underline"},
    {"s", "strikethrough"},
    {"strike", "strikethrough"},
    {"del", "strikethrough"},
    {"code", "code"},
    {"pre", "pre"},
    {"a", "text_link"},
    {"tg-spoiler", "spoiler"},
    {"blockquote", "blockquote"},
};

const Tag* find_tag(const std::string& name) {
    const auto found = std::find_if(std::begin(tags), std::end(tags),
                                    [&](const Tag& tag) { return name == tag.name; });
    return found == std::end(tags) ? nullptr : found;
}

struct Open {
    std::string name;
    std::string value;  // the link, or the language
    size_t begin;       // in units
};

class Reader {
  public:
    explicit Reader(const std::string& html) : html_(html) {}

    TelegramText read() {
        while (at_ < html_.size() && result_.error.empty()) {
            if (html_[at_] == '&')
                read_reference();
            else if (html_[at_] != '<')
                take(html_.substr(at_, 1)), ++at_;
            else if (at_ + 1 < html_.size() && html_[at_ + 1] == '/')
                read_end();
            else
                read_start();
        }
        if (result_.error.empty() && !open_.empty())
            result_.error =
                "Can't find end tag corresponding to start tag \"" + open_.back().name + "\"";
        return std::move(result_);
    }

  private:
    void take(const std::string& bytes) { result_.text += bytes; }

    void read_reference() {
        struct Named {
            const char* name;
            const char* text;
        };
        constexpr Named named[] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}};
        for (const Named& row : named)
            if (html_.compare(at_, std::string(row.name).size(), row.name) == 0) {
                take(row.text);
                at_ += std::string(row.name).size();
                return;
            }
        take("&");
        ++at_;
    }

    std::string read_name() {
        std::string name;
        while (at_ < html_.size() &&
               (std::isalnum(static_cast<unsigned char>(html_[at_])) || html_[at_] == '-'))
            name += static_cast<char>(std::tolower(static_cast<unsigned char>(html_[at_++])));
        return name;
    }

    void read_start() {
        const size_t begin = at_++;
        const std::string name = read_name();
        if (!find_tag(name)) return refuse("Unsupported start tag \"" + name + "\"", begin);
        Open open{name, "", telegram_units(result_.text)};
        while (at_ < html_.size() && html_[at_] != '>') {
            while (at_ < html_.size() && html_[at_] == ' ') ++at_;
            if (at_ < html_.size() && html_[at_] == '>') break;
            const std::string attribute = read_name();
            if (attribute.empty() || at_ >= html_.size() || html_[at_] != '=')
                return refuse("Expected equal sign in declaration of an attribute of the tag \"" +
                                  name + "\"",
                              begin);
            ++at_;
            if (at_ >= html_.size() || html_[at_] != '"') return refuse("Expected quotes", begin);
            const size_t end = html_.find('"', ++at_);
            if (end == std::string::npos) return refuse("Unclosed start tag", begin);
            open.value = html_.substr(at_, end - at_);
            at_ = end + 1;
        }
        if (at_ >= html_.size()) return refuse("Unclosed start tag", begin);
        ++at_;
        open_.push_back(open);
    }

    void read_end() {
        const size_t begin = at_;
        at_ += 2;
        const std::string name = read_name();
        if (open_.empty()) return refuse("Unexpected end tag", begin);
        if (at_ >= html_.size() || html_[at_] != '>') return refuse("Unclosed end tag", begin);
        if (!name.empty() && name != open_.back().name)
            return refuse("Unmatched end tag, expected \"</" + open_.back().name +
                              ">\", found \"</" + name + ">\"",
                          begin);
        ++at_;
        close();
    }

    void close() {
        const Open open = open_.back();
        open_.pop_back();
        const size_t length = telegram_units(result_.text) - open.begin;
        if (length == 0) return;
        Json entity = {
            {"type", find_tag(open.name)->entity}, {"offset", open.begin}, {"length", length}};
        if (open.name == "a") {
            if (open.value.empty()) return;
            entity["url"] = open.value;
        }
        if (open.name == "code" && !open_.empty() && open_.back().name == "pre") return;
        result_.entities.push_back(std::move(entity));
    }

    void refuse(const std::string& why, size_t at) {
        result_.error = why + " at byte offset " + std::to_string(at);
    }

    const std::string& html_;
    size_t at_ = 0;
    TelegramText result_;
    std::vector<Open> open_;
};

}  // namespace

TelegramText read_telegram_html(const std::string& html) {
    return Reader(html).read();
}

size_t telegram_units(const std::string& text) {
    size_t units = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    return units;
}
