#include "workers/planner/json5.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "workers/planner/characters.h"

namespace planner {

namespace {

// Thrown inside this file only: leaves any depth of the reader at once.
struct Refusal {
    Json5Failure failure;
};

constexpr double largest_exact = 9007199254740992.0;  // 2^53

bool is_digit(char32_t character) {
    return character >= '0' && character <= '9';
}

class Reader {
  public:
    Reader(std::string_view text, uint32_t file) : in_(text), file_(file) {}

    Json document(Source& source) {
        skip_space();
        if (in_.at_end()) fail("the file is empty: expected an object, for example {}");
        Json value = read_value(source, 0);
        skip_space();
        if (!in_.at_end()) fail("expected nothing more after the value, found " + here());
        return value;
    }

  private:
    [[noreturn]] void fail_at(Position at, std::string what) const {
        throw Refusal{{at, std::move(what)}};
    }
    [[noreturn]] void fail(std::string what) const { fail_at(in_.position(), std::move(what)); }

    // What stands at the current place, for messages.
    std::string here() const {
        const char32_t character = in_.peek();
        if (character == Characters::end) return "the end of the file";
        if (is_line_end(character)) return "the end of the line";
        if (character < 0x20 || character == 0x7F) return "a control character";
        std::string text = "'";
        append_utf8(text, character);
        return text + "'";
    }

    void skip_space() {
        for (;;) {
            if (is_space(in_.peek()))
                in_.take();
            else if (in_.peek() == '/')
                skip_comment();
            else
                return;
        }
    }

    void skip_comment() {
        const Position start = in_.position();
        in_.take();
        if (in_.take_if(U'/')) {
            while (!in_.at_end() && !is_line_end(in_.peek())) in_.take();
        } else if (in_.take_if(U'*')) {
            while (!in_.take_if("*/"))
                if (in_.take() == Characters::end)
                    fail_at(start, "the comment that begins here has no closing */");
        } else {
            fail_at(start, "expected // or /* to begin a comment, found '/'");
        }
    }

    Json read_value(Source& source, int depth) {
        source.file = file_;
        source.value = in_.position();
        source.bytes.begin = offset();
        Json value = read_any(source, depth);
        source.bytes.end = offset();
        return value;
    }

    uint32_t offset() const { return static_cast<uint32_t>(in_.offset()); }

    Json read_any(Source& source, int depth) {
        switch (in_.peek()) {
            case '{':
                return read_object(source, depth + 1);
            case '[':
                return read_array(source, depth + 1);
            case '"':
            case '\'':
                return read_string();
            default:
                return read_word_or_number();
        }
    }

    Json read_word_or_number() {
        const char32_t first = in_.peek();
        if (is_digit(first) || first == '+' || first == '-' || first == '.') return read_number();
        if (!starts_identifier(first)) fail("expected a value, found " + here());
        const Position start = in_.position();
        const std::string word = read_identifier();
        if (word == "true") return true;
        if (word == "false") return false;
        if (word == "null") return nullptr;
        if (word == "Infinity" || word == "NaN") refuse_no_number(start, word);
        fail_at(start, "expected a value, found " + shown_word(word) + "; text needs quotes");
    }

    [[noreturn]] void refuse_no_number(Position at, const std::string& word) const {
        fail_at(at, "expected a finite number, found " + word + ", which JSON cannot hold");
    }

    // Only words that somebody means as a value: another may be a secret that lost its quotes.
    static std::string shown_word(const std::string& word) {
        constexpr std::string_view meant[] = {"True", "TRUE",      "False", "FALSE", "Null", "NULL",
                                              "None", "undefined", "yes",   "no",    "on",   "off"};
        for (const std::string_view known : meant)
            if (word == known) return word;
        return "a word";
    }

    void enter(int depth) const {
        if (depth > deepest_json)
            fail("nested more than " + std::to_string(deepest_json) + " levels deep");
    }

    Json read_object(Source& source, int depth) {
        enter(depth);
        const Position opened = in_.position();
        in_.take();
        Json object = Json::object();
        skip_space();
        while (!in_.take_if(U'}')) {
            if (in_.at_end()) fail(unclosed("object", '}', opened));
            read_member(object, source, depth);
            if (object.size() > most_members)
                fail("more than " + std::to_string(most_members) + " keys in one object");
            if (!in_.take_if(U',') && in_.peek() != '}') fail(after_value('}', "object", opened));
            skip_space();
        }
        return object;
    }

    void read_member(Json& object, Source& source, int depth) {
        Source place;
        place.key = in_.position();
        place.bytes.key_begin = offset();
        const std::string key = read_key();
        skip_space();
        if (!in_.take_if(U':')) fail("expected ':' after the key \"" + key + "\", found " + here());
        skip_space();
        Json value = read_value(place, depth);
        // The sources know in less than linear time whether the key is new.
        const auto [known, is_new] = source.members.try_emplace(key);
        if (is_new) {
            object.get_ref<Json::object_t&>().emplace_back(key, std::move(value));
        } else {
            source.overruled.push_back(known->second.bytes);
            object[key] = std::move(value);
        }
        known->second = std::move(place);
        skip_space();
    }

    Json read_array(Source& source, int depth) {
        enter(depth);
        const Position opened = in_.position();
        in_.take();
        Json array = Json::array();
        skip_space();
        while (!in_.take_if(U']')) {
            if (in_.at_end()) fail(unclosed("list", ']', opened));
            array.push_back(read_value(source.elements.emplace_back(), depth));
            skip_space();
            if (!in_.take_if(U',') && in_.peek() != ']') fail(after_value(']', "list", opened));
            skip_space();
        }
        return array;
    }

    std::string unclosed(const char* what, char closing, Position opened) const {
        return std::string("expected '") + closing + "', found the end of the file: the " + what +
               " that begins at line " + std::to_string(opened.line) + " is not closed";
    }

    std::string after_value(char closing, const char* what, Position opened) const {
        if (in_.at_end()) return unclosed(what, closing, opened);
        std::string text = std::string("expected ',' or '") + closing + "', found " + here();
        const bool begins_another = in_.peek() == '"' || in_.peek() == '\'' || in_.peek() == '{' ||
                                    starts_identifier(in_.peek());
        if (begins_another) text += "; is a comma missing before it?";
        return text;
    }

    std::string read_key() {
        if (in_.peek() == '"' || in_.peek() == '\'') return read_string();
        if (in_.peek() == '\\' || starts_identifier(in_.peek())) return read_identifier();
        fail("expected a key or '}', found " + here());
    }

    std::string read_identifier() {
        std::string name;
        while (in_.peek() == '\\' || continues_identifier(in_.peek())) {
            const Position start = in_.position();
            char32_t character = in_.take();
            if (character == '\\') {
                if (!in_.take_if(U'u')) fail_at(start, "expected \\u in a key, found \\" + here());
                character = read_hex(4);
                const bool fits =
                    name.empty() ? starts_identifier(character) : continues_identifier(character);
                const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
                if (!fits || surrogate)
                    fail_at(start, "this character needs quotes around the key");
            }
            append_utf8(name, character);
        }
        return name;
    }

    std::string read_string() {
        const Position start = in_.position();
        const char32_t quote = in_.take();
        std::string text;
        for (;;) {
            const char32_t character = in_.peek();
            if (character == Characters::end || character == '\n' || character == '\r')
                fail_at(start, "the text that begins here has no closing quote on its line");
            in_.take();
            if (character == quote) return text;
            if (character == '\\')
                read_escape(text);
            else
                append_utf8(text, character);
        }
    }

    void read_escape(std::string& text) {
        const Position at = in_.position();
        const char32_t character = in_.take();
        switch (character) {
            case 'b':
                text += '\b';
                return;
            case 'f':
                text += '\f';
                return;
            case 'n':
                text += '\n';
                return;
            case 'r':
                text += '\r';
                return;
            case 't':
                text += '\t';
                return;
            case 'v':
                text += '\v';
                return;
            case 'x':
                return append_utf8(text, read_hex(2));
            case 'u':
                return read_unicode_escape(text, at);
            case '\r':
                in_.take_if(U'\n');
                return;
            case '\n':
            case 0x2028:
            case 0x2029:
                return;  // the string goes on in the next line
            case Characters::end:
                fail_at(at, "expected a character after \\, found the end of the file");
            default:
                return read_plain_escape(text, character, at);
        }
    }

    void read_plain_escape(std::string& text, char32_t character, Position at) {
        if (character == '0' && !is_digit(in_.peek())) {
            text += '\0';
            return;
        }
        if (is_digit(character)) fail_at(at, "expected \\x or \\u: octal escapes are not allowed");
        append_utf8(text, character);
    }

    void read_unicode_escape(std::string& text, Position at) {
        char32_t character = read_hex(4);
        if (character >= 0xD800 && character <= 0xDBFF) {
            const bool pair = in_.take_if("\\u");
            const char32_t low = pair ? read_hex(4) : 0;
            if (low < 0xDC00 || low > 0xDFFF)
                fail_at(at, "half of a surrogate pair: the other \\u escape is missing");
            character = 0x10000 + ((character - 0xD800) << 10) + (low - 0xDC00);
        } else if (character >= 0xDC00 && character <= 0xDFFF) {
            fail_at(at, "half of a surrogate pair: the other \\u escape is missing");
        }
        append_utf8(text, character);
    }

    char32_t read_hex(int digits) {
        char32_t value = 0;
        for (int count = 0; count < digits; ++count) {
            const int digit = hex_value(in_.peek());
            if (digit < 0)
                fail("expected " + std::to_string(digits) + " hexadecimal digits, found " + here());
            value = value * 16 + static_cast<char32_t>(digit);
            in_.take();
        }
        return value;
    }

    Json read_number() {
        const Position start = in_.position();
        bool negative = false;
        if (in_.peek() == '+' || in_.peek() == '-') negative = in_.take() == '-';
        if (starts_identifier(in_.peek())) {
            const std::string word = read_identifier();
            if (word == "Infinity" || word == "NaN") refuse_no_number(start, word);
            fail_at(start, "expected a number, found a word; text needs quotes");
        }
        const bool hexadecimal = in_.peek() == '0' && (in_.peek_second() | 0x20) == 'x';
        Json number = hexadecimal ? read_hexadecimal(negative) : read_decimal(start, negative);
        if (continues_identifier(in_.peek()))
            fail("expected the number to end, found " + here() + "; text needs quotes");
        return number;
    }

    Json read_hexadecimal(bool negative) {
        in_.take(), in_.take();
        if (hex_value(in_.peek()) < 0) fail("expected a hexadecimal digit, found " + here());
        std::string digits = negative ? "-" : "";
        double value = 0;
        while (hex_value(in_.peek()) >= 0) {
            value = value * 16 + hex_value(in_.peek());
            digits += static_cast<char>(in_.take());
        }
        if (const Json exact = exact_integer(digits, 16); !exact.is_null()) return exact;
        return as_json(negative ? -value : value);
    }

    Json read_decimal(Position start, bool negative) {
        std::string token = negative ? "-" : "";
        const bool leading_zero = in_.peek() == '0';
        size_t digits = take_digits(token);
        if (leading_zero && digits > 1)
            fail_at(start, "a number must not begin with 0; an identifier needs quotes");
        bool integer = true;
        if (in_.peek() == '.') {
            integer = false;
            token += static_cast<char>(in_.take());
            digits += take_digits(token);
        }
        if (digits == 0) fail("expected a digit, found " + here());
        if (in_.peek() == 'e' || in_.peek() == 'E') {
            integer = false;
            take_exponent(token);
        }
        if (integer)
            if (const Json exact = exact_integer(token, 10); !exact.is_null()) return exact;
        const double value = std::strtod(token.c_str(), nullptr);
        if (!std::isfinite(value)) fail_at(start, "expected a finite number, found one too large");
        return as_json(value);
    }

    size_t take_digits(std::string& token) {
        size_t count = 0;
        for (; is_digit(in_.peek()); ++count) token += static_cast<char>(in_.take());
        return count;
    }

    void take_exponent(std::string& token) {
        token += static_cast<char>(in_.take());
        if (in_.peek() == '+' || in_.peek() == '-') token += static_cast<char>(in_.take());
        if (take_digits(token) == 0) fail("expected a digit in the exponent, found " + here());
    }

    // Account ids of chat services exceed 2^53: whole numbers of 64 bits are kept exactly.
    static Json exact_integer(const std::string& token, int base) {
        const char* const end = token.data() + token.size();
        int64_t value = 0;
        if (const auto done = std::from_chars(token.data(), end, value, base);
            done.ec == std::errc{} && done.ptr == end)
            return value;
        uint64_t large = 0;
        if (const auto done = std::from_chars(token.data(), end, large, base);
            done.ec == std::errc{} && done.ptr == end)
            return large;
        return nullptr;
    }

    // 1.0 and 1e3 are whole numbers, as they are in JavaScript.
    Json as_json(double value) const {
        if (!std::isfinite(value)) fail("expected a finite number, found one too large");
        if (value == std::trunc(value) && std::fabs(value) <= largest_exact)
            return static_cast<int64_t>(value);
        return value;
    }

    Characters in_;
    uint32_t file_;
};

bool is_utf16(std::string_view text) {
    return text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF";
}

}  // namespace

Json5Reading read_json5(std::string_view text, uint32_t file) {
    Json5Reading reading;
    if (is_utf16(text)) {
        reading.failure = Json5Failure{{1, 1}, "the file is UTF-16: save it as UTF-8"};
        return reading;
    }
    try {
        reading.value = Reader{text, file}.document(reading.source);
    } catch (Refusal& refusal) {
        reading.failure = std::move(refusal.failure);
    }
    return reading;
}

}  // namespace planner
