#include "workers/gateway/hook_template.h"

#include <algorithm>
#include <charconv>

#include "workers/common/base/text.h"
#include "workers/gateway/frames.h"

namespace gateway {

namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

std::string text_of(const Json& value) {
    if (value.is_null()) return {};
    if (value.is_string()) return value.get<std::string>();
    return print_json(value);
}

std::string found_in(const std::map<std::string, std::string>& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
}

}  // namespace

HookTemplate::HookTemplate(std::string_view text) {
    while (!text.empty()) {
        const size_t open = text.find("{{");
        const size_t close =
            open == std::string_view::npos ? std::string_view::npos : text.find("}}", open + 2);
        if (close == std::string_view::npos) {
            parts_.push_back({From::text, std::string(text), {}});
            return;
        }
        if (open > 0) parts_.push_back({From::text, std::string(text.substr(0, open)), {}});
        parts_.push_back(read_hole(trimmed(text.substr(open + 2, close - open - 2))));
        text.remove_prefix(close + 2);
    }
}

HookTemplate::Part HookTemplate::read_hole(std::string_view expression) {
    if (expression == "path") return {From::path, {}, {}};
    if (expression == "now") return {From::now, {}, {}};
    if (take_prefix(expression, "headers.")) return {From::headers, lower_case(expression), {}};
    if (take_prefix(expression, "query.")) return {From::query, std::string(expression), {}};
    Part part{From::payload, {}, {}};
    if (expression == "payload") return part;
    take_prefix(expression, "payload.");
    // What cannot be read names nothing, and so stays empty.
    if (!read_steps(expression, part.steps)) return {From::text, {}, {}};
    return part;
}

// "a.b[0].c", "[0].id"
bool HookTemplate::read_steps(std::string_view expression, std::vector<Step>& steps) {
    while (!expression.empty()) {
        if (steps.size() >= most_steps) return false;
        if (expression.front() == '[') {
            const size_t end = expression.find(']');
            if (end == std::string_view::npos) return false;
            Step step{{}, 0, true};
            const char* const last = expression.data() + end;
            const auto done = std::from_chars(expression.data() + 1, last, step.index);
            if (done.ec != std::errc{} || done.ptr != last) return false;
            steps.push_back(step);
            expression.remove_prefix(end + 1);
        } else {
            const size_t end = std::min(expression.find_first_of(".["), expression.size());
            if (end == 0) return false;
            steps.push_back({std::string(expression.substr(0, end)), 0, false});
            expression.remove_prefix(end);
        }
        if (!expression.empty() && expression.front() == '.') {
            expression.remove_prefix(1);
            if (expression.empty()) return false;
        }
    }
    return !steps.empty();
}

std::string HookTemplate::value_of(const Part& part, const HookFacts& facts) {
    switch (part.from) {
        case From::text:
            return part.text;
        case From::path:
            return facts.path;
        case From::now:
            return facts.now;
        case From::headers:
            return found_in(facts.headers, part.text);
        case From::query:
            return found_in(facts.query, part.text);
        case From::payload:
            break;
    }
    const Json* value = &facts.payload;
    for (const Step& step : part.steps) {
        if (!step.is_index)
            value = &member(*value, step.name);
        else if (value->is_array() && step.index < value->size())
            value = &(*value)[step.index];
        else
            return {};
    }
    return text_of(*value);
}

std::string HookTemplate::fill(const HookFacts& facts) const {
    std::string filled;
    for (const Part& part : parts_) {
        filled += value_of(part, facts);
        if (filled.size() > longest_result) return cut_text(filled, longest_result);
    }
    return filled;
}

std::vector<std::string> HookTemplate::headers() const {
    std::vector<std::string> names;
    for (const Part& part : parts_)
        if (part.from == From::headers) names.push_back(part.text);
    return names;
}

}  // namespace gateway
