#include "workers/gateway/frame_id.h"

#include <algorithm>

#include "workers/common/base/json.h"

namespace gateway {

namespace {

// Walks over one object's members without understanding their values.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::string id() {
        if (!take('{')) return {};
        while (true) {
            const std::string_view key = take_string();
            if (key.empty() || !take(':')) return {};
            const std::string_view value = take_value();
            if (key == R"("id")") return decoded(value);
            if (!take(',')) return {};
        }
    }

  private:
    static std::string decoded(std::string_view literal) {
        const Result<Json> parsed = parse_json(literal);
        return parsed && parsed->is_string() ? parsed->get<std::string>() : std::string();
    }

    void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

    bool take(char letter) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != letter) return false;
        ++at_;
        return true;
    }

    // With its quotes; empty when there is none.
    std::string_view take_string() {
        skip_space();
        const size_t begin = at_;
        if (at_ >= text_.size() || text_[at_] != '"') return {};
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] == '\\') {
                ++at_;
            } else if (text_[at_] == '"') {
                ++at_;
                return text_.substr(begin, at_ - begin);
            }
        }
        return {};
    }

    // Up to the comma or brace that ends it.
    std::string_view take_value() {
        skip_space();
        const size_t begin = at_;
        size_t depth = 0;
        while (at_ < text_.size()) {
            const char letter = text_[at_];
            if (letter == '"') {
                if (take_string().empty()) break;
                continue;
            }
            const bool closes = letter == '}' || letter == ']';
            if (depth == 0 && (closes || letter == ',')) break;
            if (letter == '{' || letter == '[') ++depth;
            if (closes) --depth;
            ++at_;
        }
        return text_.substr(begin, at_ - begin);
    }

    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace

std::string id_of_broken_frame(std::string_view text) {
    return Scanner(text).id();
}

}  // namespace gateway
