#include "workers/common/base/json.h"

template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace {

const Json nothing;

}  // namespace

Result<Json> parse_json(std::string_view text) {
    bool too_deep = false;
    const auto limit_depth = [&](int depth, Json::parse_event_t event, Json&) {
        // At a start the depth counts what is open around it.
        const bool opens =
            event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
        if (opens && depth >= deepest_json) too_deep = true;
        return !too_deep;
    };
    // Depth is checked before the tree is built: a refused subtree is discarded as it is read.
    try {
        Json value = Json::parse(text.begin(), text.end(), limit_depth);
        if (too_deep) return Error{Fault::bad_message, "JSON is nested too deeply"};
        return value;
    } catch (const Json::exception& failure) {
        return Error{Fault::bad_message, failure.what()};
    }
}

std::string print_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_quoted(std::string& out, std::string_view text) {
    const size_t begin = out.size();
    out += '"';
    size_t copied = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') continue;
        if (c != '"' && c != '\\' && c != '\n') {
            out.resize(begin);
            out += print_json(Json(text));
            return;
        }
        out.append(text, copied, at - copied);
        out += '\\';
        out += c == '\n' ? 'n' : c;
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
