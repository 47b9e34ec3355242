#include "workers/planner/text_edit.h"

#include <algorithm>

#include "workers/planner/characters.h"
#include "workers/planner/json5.h"

namespace planner {

namespace {

// How the file is laid out, so that what is added looks like the rest.
struct Style {
    std::string newline;
    char indent_with = ' ';
    size_t unit = 2;
};

constexpr std::string_view blanks = " \t";
constexpr std::string_view white = " \t\r\n";

Style style_of(std::string_view text) {
    Style style;
    style.newline = text.find("\r\n") == std::string_view::npos ? "\n" : "\r\n";
    for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        const size_t first = std::min(text.find_first_not_of(blanks, at + 1), text.size());
        if (first == at + 1 || first == text.size()) continue;
        if (text[first] == '\r' || text[first] == '\n') continue;
        style.indent_with = text[at + 1];
        style.unit = style.indent_with == '\t' ? 1 : std::min<size_t>(first - at - 1, 8);
        break;
    }
    return style;
}

// The white space that the line of this place begins with.
std::string indent_at(std::string_view text, size_t at) {
    const size_t line_end = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    const size_t begin = line_end == std::string_view::npos ? 0 : line_end + 1;
    const size_t end = std::min(text.find_first_not_of(blanks, begin), text.size());
    return std::string(text.substr(begin, std::min(end, at) - begin));
}

std::string rendered(const Json& value, const Style& style, const std::string& indent) {
    const std::string plain = value.dump(static_cast<int>(style.unit), style.indent_with, false,
                                         Json::error_handler_t::replace);
    std::string text;
    for (const char character : plain) {
        if (character == '\n')
            text += style.newline + indent;
        else
            text += character;
    }
    return text;
}

// The first place from `at` on that is neither white space nor comment.
size_t after_blank(std::string_view text, size_t at) {
    Characters in(text.substr(at));
    for (;;) {
        if (is_space(in.peek()))
            in.take();
        else if (in.take_if("//"))
            while (!in.at_end() && !is_line_end(in.peek())) in.take();
        else if (in.take_if("/*"))
            while (!in.at_end() && !in.take_if("*/")) in.take();
        else
            return at + in.offset();
    }
}

// A member with its key, or an element.
struct Item {
    size_t begin;
    size_t end;
};

bool is_object(std::string_view text, const Source& container) {
    return text[container.bytes.begin] == '{';
}

std::vector<Item> items_of(const Source& container) {
    std::vector<Item> items;
    for (const auto& [key, source] : container.members)
        items.push_back({source.bytes.key_begin, source.bytes.end});
    for (const Bytes& bytes : container.overruled) items.push_back({bytes.key_begin, bytes.end});
    for (const Source& source : container.elements)
        items.push_back({source.bytes.begin, source.bytes.end});
    std::sort(items.begin(), items.end(),
              [](const Item& one, const Item& other) { return one.begin < other.begin; });
    return items;
}

bool is_identifier(const std::string& key) {
    Characters in(key);
    if (!starts_identifier(in.take())) return false;
    while (!in.at_end())
        if (!continues_identifier(in.take())) return false;
    return true;
}

// Without quotes where the members beside it have none.
std::string spelled_key(std::string_view text, const std::vector<Item>& items,
                        const std::string& key) {
    const bool plain = !items.empty() && text[items.front().begin] != '"' &&
                       text[items.front().begin] != '\'' && is_identifier(key);
    return plain ? key : print_json(Json(key));
}

// After the key that begins there, its quotes included.
size_t key_end(std::string_view text, size_t begin) {
    const char quote = text[begin];
    if (quote == '"' || quote == '\'') {
        size_t at = begin + 1;
        while (text[at] != quote) at += text[at] == '\\' ? 2 : 1;
        return at + 1;
    }
    Characters in(text.substr(begin));
    while (in.peek() == '\\' || continues_identifier(in.peek())) in.take();
    return begin + in.offset();
}

// As a key that begins so is written.
std::string key_like(char first, const std::string& key) {
    if (first != '"' && first != '\'' && is_identifier(key)) return key;
    std::string quoted = print_json(Json(key));
    const bool is_plain = quoted.size() == key.size() + 2 && key.find('\'') == std::string::npos;
    if (first == '\'' && is_plain) quoted.front() = quoted.back() = '\'';
    return quoted;
}

void fill_empty(std::string& text, const Source& container, const std::string& item,
                const Style& style, const std::string& inner, const std::string& outer) {
    const size_t open = container.bytes.begin + 1, close = container.bytes.end - 1;
    const std::string_view inside = std::string_view(text).substr(open, close - open);
    const size_t last = inside.find_last_not_of(white);
    const size_t at = open + (last == std::string_view::npos ? 0 : last + 1);  // after a comment
    text.replace(at, close - at, style.newline + inner + item + style.newline + outer);
}

void append_to(std::string& text, const Source& container, const std::vector<Item>& items,
               const std::string& item, const Style& style, const std::string& inner) {
    const size_t close = container.bytes.end - 1;
    const size_t after = after_blank(text, items.back().end);
    const bool has_comma = text[after] == ',';
    const bool is_one_line =
        std::string_view(text)
            .substr(container.bytes.begin, container.bytes.end - container.bytes.begin)
            .find('\n') == std::string_view::npos;
    if (is_one_line) {
        text.insert(has_comma ? after + 1 : items.back().end, (has_comma ? " " : ", ") + item);
        return;
    }
    // After a comment that belongs to the last item.
    const size_t tail = text.find_last_not_of(white, close - 1) + 1;
    text.insert(tail, style.newline + inner + item + (has_comma ? "," : ""));
    if (!has_comma) text.insert(items.back().end, ",");
}

// `key` is null for an element of a list.
void add_item(std::string& text, const Source& container, const std::string* key,
              const Json& value) {
    const Style style = style_of(text);
    const std::vector<Item> items = items_of(container);
    const std::string outer = indent_at(text, container.bytes.begin);
    const std::string inner = items.empty() ? outer + std::string(style.unit, style.indent_with)
                                            : indent_at(text, items.back().begin);
    std::string item = key ? spelled_key(text, items, *key) + ": " : "";
    item += rendered(value, style, inner);
    if (items.empty())
        fill_empty(text, container, item, style, inner, outer);
    else
        append_to(text, container, items, item, style, inner);
}

// A line that has nothing left goes whole; of two blanks in a row one goes.
void close_gap(std::string& text, size_t at) {
    const size_t line_end = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const size_t begin = line_end == std::string::npos ? 0 : line_end + 1;
    const size_t rest = std::min(text.find_first_not_of(" \t\r", begin), text.size());
    if (line_end != std::string::npos && rest < text.size() && text[rest] == '\n')
        text.erase(begin, rest + 1 - begin);
    else if (at > 0 && at < text.size() && text[at] == ' ' &&
             std::string_view(" {[").find(text[at - 1]) != std::string_view::npos)
        text.erase(at, 1);
}

void remove_item(std::string& text, const std::vector<Item>& items, size_t index) {
    const Item item = items[index];
    const size_t after = after_blank(text, item.end);
    if (text[after] == ',') {
        text.erase(after, 1);
    } else if (index > 0) {
        const size_t before = after_blank(text, items[index - 1].end);
        const size_t after_comma = text.find_first_not_of(white, before + 1);
        if (after_comma == item.begin) {
            text.erase(before, item.end - before);
            return;
        }
        text.erase(item.begin, item.end - item.begin);
        text.erase(before, 1);
        return close_gap(text, item.begin - 1);
    }
    text.erase(item.begin, item.end - item.begin);
    close_gap(text, item.begin);
}

const Source* step(const Source& from, const std::string& name) {
    if (const auto found = from.members.find(name); found != from.members.end())
        return &found->second;
    if (from.elements.empty() || name.find_first_not_of("0123456789") != std::string::npos ||
        name.size() > 9)
        return nullptr;
    const size_t index = std::stoul(name);
    return index < from.elements.size() ? &from.elements[index] : nullptr;
}

Result<Source> read_source(const std::string& text) {
    Json5Reading reading = read_json5(text);
    if (reading.failure) return Error{Fault::bad_config, reading.failure->what};
    return std::move(reading.source);
}

Error not_here(const Path& path) {
    return Error{Fault::bad_config, dotted(path) + " does not stand in this file"};
}

// The value with the objects that lead to it from step `first` on.
Json nested(const Path& path, size_t first, const Json& value) {
    Json whole = value;
    for (size_t index = path.size(); index > first; --index) {
        Json outer = Json::object();
        outer[path[index - 1]] = std::move(whole);
        whole = std::move(outer);
    }
    return whole;
}

void compare(const Json& before, const Json& after, Path& path, std::vector<Edit>& edits);

void compare_objects(const Json& before, const Json& after, Path& path, std::vector<Edit>& edits) {
    for (const auto& [key, value] : before.items()) {
        path.push_back(key);
        if (after.contains(key))
            compare(value, after[key], path, edits);
        else
            edits.push_back({path, std::nullopt});
        path.pop_back();
    }
    for (const auto& [key, value] : after.items()) {
        if (before.contains(key)) continue;
        path.push_back(key);
        edits.push_back({path, value});
        path.pop_back();
    }
}

// What stays at both ends of a list stays as it is written.
void compare_lists(const Json& before, const Json& after, Path& path, std::vector<Edit>& edits) {
    const auto at = [&](size_t index) {
        Path whole = path;
        whole.push_back(std::to_string(index));
        return whole;
    };
    if (before.size() == after.size()) {
        for (size_t index = 0; index < before.size(); ++index) {
            path.push_back(std::to_string(index));
            compare(before[index], after[index], path, edits);
            path.pop_back();
        }
        return;
    }
    const size_t shorter = std::min(before.size(), after.size());
    size_t head = 0, tail = 0;
    while (head < shorter && before[head] == after[head]) ++head;
    while (tail < shorter - head &&
           before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
        ++tail;
    if (head == before.size()) {
        for (size_t index = head; index < after.size(); ++index)
            edits.push_back({at(index), after[index]});
    } else if (head + tail == after.size()) {
        for (size_t index = before.size() - tail; index-- > head;)
            edits.push_back({at(index), std::nullopt});
    } else {
        edits.push_back({path, after});
    }
}

void compare(const Json& before, const Json& after, Path& path, std::vector<Edit>& edits) {
    if (before == after) return;
    if (before.is_object() && after.is_object()) return compare_objects(before, after, path, edits);
    if (before.is_array() && after.is_array()) return compare_lists(before, after, path, edits);
    edits.push_back({path, after});
}

}  // namespace

Done set_in_text(std::string& text, const Path& path, const Json& value) {
    const Result<Source> root = read_source(text);
    if (!root) return root.error();
    const Source* at = &*root;
    size_t known = 0;
    for (; known < path.size(); ++known) {
        const Source* next = step(*at, path[known]);
        if (!next) break;
        at = next;
    }
    if (known == path.size()) {
        const std::string indent = indent_at(text, at->bytes.begin);
        text.replace(at->bytes.begin, at->bytes.end - at->bytes.begin,
                     rendered(value, style_of(text), indent));
        return {};
    }
    const Json item = nested(path, known + 1, value);
    if (is_object(text, *at)) {
        add_item(text, *at, &path[known], item);
    } else if (text[at->bytes.begin] == '[' && path[known] == std::to_string(at->elements.size())) {
        add_item(text, *at, nullptr, item);
    } else {
        return not_here(path);
    }
    return {};
}

Done remove_from_text(std::string& text, const Path& path) {
    if (path.empty()) return not_here(path);
    // A key that stands twice has to go twice.
    for (bool removed = false;; removed = true) {
        const Result<Source> root = read_source(text);
        if (!root) return root.error();
        const Source* at = &*root;
        for (size_t index = 0; at && index + 1 < path.size(); ++index) at = step(*at, path[index]);
        const Source* value = at ? step(*at, path.back()) : nullptr;
        if (!value) return removed ? Done() : Done(not_here(path));
        const bool in_object = is_object(text, *at);
        const size_t begin = in_object ? value->bytes.key_begin : value->bytes.begin;
        const std::vector<Item> items = items_of(*at);
        const auto item = std::find_if(items.begin(), items.end(), [&](const Item& candidate) {
            return candidate.begin == begin;
        });
        remove_item(text, items, static_cast<size_t>(item - items.begin()));
        if (!in_object) return {};  // the next element has taken its place
    }
}

Done rename_in_text(std::string& text, const Path& path, const std::string& key) {
    if (path.empty()) return not_here(path);
    // A key that stands twice has to be renamed twice; then the new one is there, once.
    for (bool renamed = false;; renamed = true) {
        const Result<Source> root = read_source(text);
        if (!root) return root.error();
        const Source* at = &*root;
        for (size_t index = 0; at && index + 1 < path.size(); ++index) at = step(*at, path[index]);
        if (!at || !is_object(text, *at)) return not_here(path);
        const auto found = at->members.find(path.back());
        if (found == at->members.end()) return renamed ? Done() : Done(not_here(path));
        if (!renamed && at->members.contains(key))
            return Error{Fault::bad_config, key + " stands beside " + dotted(path) + " already"};
        const size_t begin = found->second.bytes.key_begin;
        text.replace(begin, key_end(text, begin) - begin, key_like(text[begin], key));
    }
}

std::vector<Edit> edits_between(const Json& before, const Json& after) {
    std::vector<Edit> edits;
    Path path;
    compare(before, after, path, edits);
    return edits;
}

Done apply_edit(std::string& text, const Edit& edit) {
    if (!edit.key.empty()) return rename_in_text(text, edit.path, edit.key);
    return edit.value ? set_in_text(text, edit.path, *edit.value)
                      : remove_from_text(text, edit.path);
}

}  // namespace planner
