#include "workers/common/channel/break_places.h"

#include <algorithm>

namespace {

bool line_is_blank(std::string_view text, size_t start) {
    const size_t visible = text.find_first_not_of(" \t\r", start);
    return visible == text.npos || text[visible] == '\n';
}

constexpr std::string_view quotes = "\"')]*_";
constexpr std::string_view full_stops[] = {".", "!", "?", "。", "！", "？"};
constexpr std::string_view wide_stops[] = {"。", "！", "？"};  // no blank follows these

bool ends_sentence(std::string_view text) {
    while (!text.empty() && quotes.find(text.back()) != quotes.npos) text.remove_suffix(1);
    return std::any_of(std::begin(full_stops), std::end(full_stops),
                       [&](std::string_view stop) { return text.ends_with(stop); });
}

bool ends_with_wide_stop(std::string_view text) {
    return std::any_of(std::begin(wide_stops), std::end(wide_stops),
                       [&](std::string_view stop) { return text.ends_with(stop); });
}

// The kind of place before the byte `at`; place_kinds when it is none.
size_t kind_at(std::string_view text, size_t at) {
    const auto kind = [](Place place) { return static_cast<size_t>(place); };
    const char here = at < text.size() ? text[at] : '\n';
    if (here == '\n') return kind(line_is_blank(text, at + 1) ? Place::paragraph : Place::newline);
    const std::string_view before = text.substr(0, at);
    if (here == ' ' || here == '\t')
        return kind(ends_sentence(before) ? Place::sentence : Place::space);
    return ends_with_wide_stop(before) ? kind(Place::sentence) : place_kinds;
}

}  // namespace

const Fence* fence_at(const std::vector<Fence>& fences, size_t at) {
    const auto next = std::partition_point(fences.begin(), fences.end(),
                                           [&](const Fence& fence) { return fence.begin < at; });
    if (next == fences.begin()) return nullptr;
    const Fence& fence = *std::prev(next);
    return !fence.is_closed || at < fence.after ? &fence : nullptr;
}

LastPlaces last_places(std::string_view text, const std::vector<Fence>& fences, size_t after,
                       size_t until) {
    LastPlaces found;
    found.fill(text.npos);
    for (size_t at = until; at > after; --at) {
        const size_t kind = kind_at(text, at);
        if (kind == place_kinds || found[kind] != text.npos) continue;
        if (const Fence* fence = fence_at(fences, at)) {
            if (fence->begin <= after) break;
            at = fence->begin + 1;  // before its opening line, next
            continue;
        }
        found[kind] = at;
        if (kind == 0) break;  // none better is to come, and the others only lie further back
    }
    return found;
}
