#include "workers/agent/channels/reply_extras.h"

#include <algorithm>
#include <cstdio>

#include "workers/agent/commands.h"
#include "workers/agent/heartbeat.h"
#include "workers/agent/ids.h"

namespace agent {

namespace {

constexpr size_t longest_thoughts = 4'000;  // bytes

std::string in_italics(std::string_view text) {
    std::string lines;
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        if (!line.empty()) lines += "\n_" + std::string(line) + "_";
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

std::string shown_thoughts(const Json& message) {
    std::string thoughts;
    const Json& content = member(message, "content");
    if (!content.is_array()) return {};
    for (const Json& block : content)
        if (text_view(block, "type") == "thinking")
            thoughts += (thoughts.empty() ? "" : "\n") + text_member(block, "thinking");
    if (trimmed(thoughts).empty()) return {};
    return "Reasoning:" + in_italics(preview_of(thoughts, longest_thoughts));
}

std::string usage_footer(const std::string& mode, const Json& meta,
                         const std::string& session_key) {
    if (mode != "tokens" && mode != "full") return {};
    const Json& usage = member(meta, "usage");
    const int64_t in = int_member(usage, "input") + int_member(usage, "cacheRead") +
                       int_member(usage, "cacheWrite");
    const int64_t out = int_member(usage, "output");
    if (in + out == 0) return {};
    std::string text = "Usage: " + short_number(in) + " in / " + short_number(out) + " out";
    if (mode != "full") return text;
    if (const Json& cost = member(meta, "cost"); cost.is_number() && cost.get<double>() > 0) {
        char dollars[32];
        std::snprintf(dollars, sizeof dollars, " · est $%.4f", cost.get<double>());
        text += dollars;
    }
    return text + " · session " + session_key;
}

}  // namespace agent
