#include "workers/common/base/json.h"

#include <charconv>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace {

const Json nothing;

constexpr size_t longest_remark = 200;  // bytes; it quotes the text

// The library's words without its own name in front, and without what cannot be read.
std::string remark_of(std::string_view words) {
    if (words.starts_with('[')) {
        const size_t end = words.find("] ");
        if (end != std::string_view::npos) words.remove_prefix(end + 2);
    }
    if (words.size() <= longest_remark) return std::string(words);
    size_t length = longest_remark;
    while (length > 0 && (static_cast<unsigned char>(words[length]) & 0xc0) == 0x80) --length;
    return std::string(words.substr(0, length)) + "...";
}

bool has_twins(const Json::object_t& members) {
    constexpr size_t few = 16;  // compared faster than hashed
    if (members.size() <= few) {
        for (auto one = members.begin(); one != members.end(); ++one)
            for (auto other = members.begin(); other != one; ++other)
                if (other->first == one->first) return true;
        return false;
    }
    std::unordered_set<std::string_view> names(members.size());
    for (const auto& [name, value] : members)
        if (!names.insert(name).second) return true;
    return false;
}

// Of members with the same name the last counts, at the place of the first.
void keep_last_twins(Json::object_t& members) {
    Json::object_t kept;
    std::unordered_map<std::string_view, size_t> places(members.size());
    for (auto& [name, value] : members) {
        const auto [found, is_new] = places.emplace(name, kept.size());
        if (is_new)
            kept.emplace_back(name, std::move(value));
        else
            kept.data()[found->second].second = std::move(value);
    }
    members = std::move(kept);
}

constexpr int no_unit = -1;
constexpr size_t escape_size = 6;  // of "\\u0041"

// The UTF-16 unit of the escape that begins there.
int unit_escaped_at(std::string_view text, size_t at) {
    if (at + escape_size > text.size() || text[at] != '\\' || text[at + 1] != 'u') return no_unit;
    const char* const digits = text.data() + at + 2;
    unsigned unit = 0;
    const auto [end, failure] = std::from_chars(digits, digits + 4, unit, 16);
    return failure == std::errc() && end == digits + 4 ? static_cast<int>(unit) : no_unit;
}

bool is_first_half(int unit) {
    return unit >= 0xd800 && unit < 0xdc00;
}

bool is_second_half(int unit) {
    return unit >= 0xdc00 && unit < 0xe000;
}

// With U+FFFD in place of each escape of half a surrogate pair that stands alone: services pass on
// what people's clients have cut in two. Of the same length, so that positions hold; empty when
// there is none.
std::string with_whole_pairs(std::string_view text) {
    std::string mended;
    size_t at = text.find('\\');
    for (size_t step = 0; at != std::string_view::npos; at = text.find('\\', at + step)) {
        const int unit = unit_escaped_at(text, at);
        step = unit == no_unit ? 2 : escape_size;  // what is behind a backslash begins no escape
        if (is_first_half(unit) && is_second_half(unit_escaped_at(text, at + escape_size))) {
            step = 2 * escape_size;
        } else if (is_first_half(unit) || is_second_half(unit)) {
            if (mended.empty()) mended = text;
            mended.replace(at + 2, 4, "fffd");
        }
    }
    return mended;
}

// Builds the value. The library's own builder looks every member up among those before it, which
// takes minutes for an object of a few hundred thousand.
class Builder final : public nlohmann::json_sax<Json> {
  public:
    Json& value() { return value_; }
    const std::string& fault() const { return fault_; }

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t&) override { return add(value); }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return false; }  // not in a text

    bool start_object(size_t) override { return open(Json::object()); }
    bool start_array(size_t) override { return open(Json::array()); }
    bool key(string_t& name) override {
        members().emplace_back(std::move(name), nullptr);
        return true;
    }
    bool end_object() override {
        if (has_twins(members())) keep_last_twins(members());
        open_.pop_back();
        return true;
    }
    bool end_array() override {
        open_.pop_back();
        return true;
    }
    bool parse_error(size_t, const std::string&, const Json::exception& failure) override {
        fault_ = remark_of(failure.what());
        return false;
    }

  private:
    Json::object_t& members() { return open_.back()->get_ref<Json::object_t&>(); }

    Json& place(Json&& value) {
        if (open_.empty()) return value_ = std::move(value);
        Json& around = *open_.back();
        if (around.is_object()) return members().back().second = std::move(value);
        return around.get_ref<Json::array_t&>().emplace_back(std::move(value));
    }
    bool add(Json&& value) {
        place(std::move(value));
        return true;
    }
    // What is open stays where it is: what is around it gets no further member meanwhile.
    bool open(Json&& value) {
        if (open_.size() >= deepest_json) {
            fault_ = "JSON is nested too deeply";
            return false;
        }
        open_.push_back(&place(std::move(value)));
        return true;
    }

    Json value_;
    std::vector<Json*> open_;
    std::string fault_;
};

Result<Json> parse_as_it_is(std::string_view text) {
    Builder builder;
    try {
        if (Json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.value());
        return Error{Fault::bad_message, builder.fault()};
    } catch (const Json::exception& failure) {
        return Error{Fault::bad_message, remark_of(failure.what())};
    }
}

std::string print_by_library(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The library prints a text several times slower than append_quoted().
void append_json(std::string& out, const Json& value) {
    if (value.is_string()) return append_quoted(out, value.get_ref<const std::string&>());
    if (value.is_array()) {
        char before = '[';
        for (const Json& element : value) {
            out += std::exchange(before, ',');
            append_json(out, element);
        }
        out += value.empty() ? "[]" : "]";
    } else if (value.is_object()) {
        char before = '{';
        for (const auto& [name, member] : value.get_ref<const Json::object_t&>()) {
            out += std::exchange(before, ',');
            append_quoted(out, name);
            out += ':';
            append_json(out, member);
        }
        out += value.empty() ? "{}" : "}";
    } else {
        out += print_by_library(value);
    }
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
    Result<Json> value = parse_as_it_is(text);
    if (value) return value;
    const std::string mended = with_whole_pairs(text);
    return mended.empty() ? value : parse_as_it_is(mended);
}

std::string print_json(const Json& value) {
    std::string out;
    append_json(out, value);
    return out;
}

void append_quoted(std::string& out, std::string_view text) {
    const size_t begin = out.size();
    out += '"';
    size_t copied = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') continue;
        if (c != '"' && c != '\\' && c != '\n' && c != '\t') {
            out.resize(begin);
            out += print_by_library(Json(text));
            return;
        }
        out.append(text, copied, at - copied);
        out += '\\';
        out += c == '\n' ? 'n' : c == '\t' ? 't' : c;
        copied = at + 1;
    }
    out.append(text, copied);
    out += '"';
}

const Json& member(const Json& value, std::string_view key) {
    if (!value.is_object()) return nothing;
    const auto found = value.find(key);
    return found == value.end() ? nothing : *found;
}

const Json& member_at(const Json& value, std::string_view dotted_path) {
    const Json* at = &value;
    while (!dotted_path.empty()) {
        const size_t dot = dotted_path.find('.');
        at = &member(*at, dotted_path.substr(0, dot));
        dotted_path = dot == std::string_view::npos ? "" : dotted_path.substr(dot + 1);
    }
    return *at;
}

std::string_view text_view(const Json& value, std::string_view key) {
    const Json& found = member(value, key);
    return found.is_string() ? std::string_view(found.get_ref<const std::string&>()) : "";
}

std::string text_member(const Json& value, std::string_view key, std::string_view fallback) {
    const Json& found = member(value, key);
    return found.is_string() ? found.get<std::string>() : std::string(fallback);
}

std::string id_member(const Json& value, std::string_view key) {
    const Json& found = member(value, key);
    return found.is_number_integer() ? found.dump() : text_member(value, key);
}

int64_t int_member(const Json& value, std::string_view key, int64_t fallback) {
    const Json& found = member(value, key);
    if (found.is_number_unsigned() && found.get<uint64_t>() > INT64_MAX) return fallback;
    if (found.is_number_integer()) return found.get<int64_t>();
    if (found.is_number_float()) {
        const double number = found.get<double>();
        if (number > -9.0e15 && number < 9.0e15) return static_cast<int64_t>(number);
    }
    return fallback;
}

bool bool_member(const Json& value, std::string_view key, bool fallback) {
    const Json& found = member(value, key);
    return found.is_boolean() ? found.get<bool>() : fallback;
}
