#include "workers/agent/context_pruning.h"

#include <algorithm>
#include <string_view>

#include "workers/agent/heartbeat.h"
#include "workers/agent/ids.h"
#include "workers/agent/tool_policy.h"
#include "workers/agent/transcript.h"
#include "workers/common/channel/measure.h"

namespace agent {

namespace {

constexpr size_t image_worth = 8'000;  // bytes
constexpr double bytes_of_token = 4;

size_t count_in(const Json& object, const char* key, size_t usual) {
    const Json& value = member(object, key);
    return value.is_number_unsigned() ? value.get<size_t>() : usual;
}

double ratio_in(const Json& object, const char* key, double usual) {
    const Json& value = member(object, key);
    return value.is_number() ? std::clamp(value.get<double>(), 0.0, 1.0) : usual;
}

std::vector<std::string> patterns_in(const Json& list) {
    std::vector<std::string> patterns;
    if (!list.is_array()) return patterns;
    for (const Json& entry : list)
        if (entry.is_string())
            if (std::string pattern = lower_case(trimmed(entry.get<std::string>()));
                !pattern.empty())
                patterns.push_back(std::move(pattern));
    return patterns;
}

std::string_view role_of(const Message& message) {
    return text_view(message.json(), "role");
}

// Where the conversation went on after its last rest; 0: it never rested for so long.
size_t after_last_rest(const std::vector<Message>& messages, int64_t ttl_ms) {
    size_t rest = 0;
    int64_t before = 0;
    for (size_t i = 0; i < messages.size(); ++i) {
        const int64_t at = int_member(messages[i].json(), "timestamp");
        if (at <= 0) continue;
        if (before > 0 && at - before >= ttl_ms) rest = i;
        before = at;
    }
    return rest;
}

// The answers that are kept begin there; 0: there are no more than those.
size_t first_kept(const std::vector<Message>& messages, size_t end, size_t kept) {
    if (kept == 0) return end;
    for (size_t i = end; i-- > 0;)
        if (role_of(messages[i]) == "assistant" && --kept == 0) return i;
    return 0;
}

bool has_image(const Json& message) {
    const Json& content = member(message, "content");
    return content.is_array() && std::any_of(content.begin(), content.end(), [](const Json& block) {
               return text_view(block, "type") == "image";
           });
}

bool may_prune(const Message& message, const PruningSettings& settings) {
    if (role_of(message) != "toolResult" || has_image(message.json())) return false;
    const std::string tool = lower_case(text_view(message.json(), "toolName"));
    const auto fits = [&](const std::string& pattern) { return fits_stars(pattern, tool); };
    if (std::any_of(settings.kept_tools.begin(), settings.kept_tools.end(), fits)) return false;
    return settings.tools.empty() ||
           std::any_of(settings.tools.begin(), settings.tools.end(), fits);
}

std::string text_of_result(const Json& message) {
    const Json& content = member(message, "content");
    if (content.is_string()) return content.get<std::string>();
    std::string text;
    if (!content.is_array()) return text;
    for (const Json& block : content) {
        if (!text.empty()) text += '\n';
        text += text_view(block, "text");
    }
    return text;
}

Message result_with_text(const Message& message, std::string text) {
    Json made = Json::object();
    for (const auto& [key, value] : message.json().items())
        if (key != "content" && key != "details") made[key] = value;
    made["content"] = Json::array({Json{{"type", "text"}, {"text", std::move(text)}}});
    return Message(std::move(made));
}

// Nothing where it is short enough.
std::string trimmed_result(const std::string& text, const PruningSettings& settings) {
    if (text.size() <= settings.most_untrimmed || text.size() <= settings.head + settings.tail)
        return {};
    const std::string_view all = text;
    const std::string_view head = all.substr(0, bytes_within(all, settings.head, Measure::bytes));
    size_t tail = text.size() - settings.tail;
    while (tail < text.size() && (static_cast<unsigned char>(text[tail]) & 0xc0) == 0x80) ++tail;
    return std::string(head) + "\n...\n" + std::string(all.substr(tail)) +
           "\n\n[Tool result trimmed: the first " + std::to_string(head.size()) + " and the last " +
           std::to_string(text.size() - tail) + " of " + std::to_string(text.size()) +
           " bytes are left.]";
}

}  // namespace

PruningSettings pruning_settings(const Json& config) {
    const Json& said = member_at(config, "agents.defaults.contextPruning");
    PruningSettings settings;
    settings.on = text_view(said, "mode") == "cache-ttl";
    settings.ttl_ms = duration_in(text_view(said, "ttl")).value_or(settings.ttl_ms);
    settings.keep_last_assistants =
        count_in(said, "keepLastAssistants", settings.keep_last_assistants);
    settings.soft_trim_ratio = ratio_in(said, "softTrimRatio", settings.soft_trim_ratio);
    settings.hard_clear_ratio = ratio_in(said, "hardClearRatio", settings.hard_clear_ratio);
    settings.least_clearable = count_in(said, "minPrunableToolChars", settings.least_clearable);
    const Json& trim = member(said, "softTrim");
    settings.most_untrimmed = count_in(trim, "maxChars", settings.most_untrimmed);
    settings.head = count_in(trim, "headChars", settings.head);
    settings.tail = count_in(trim, "tailChars", settings.tail);
    const Json& clear = member(said, "hardClear");
    settings.clears = bool_member(clear, "enabled", true);
    if (const std::string text(trimmed(text_view(clear, "placeholder"))); !text.empty())
        settings.placeholder = text;
    settings.tools = patterns_in(member_at(said, "tools.allow"));
    settings.kept_tools = patterns_in(member_at(said, "tools.deny"));
    return settings;
}

void prune_results(std::vector<Message>& messages, const PruningSettings& settings,
                   int64_t window_tokens) {
    if (!settings.on || settings.ttl_ms <= 0 || window_tokens <= 0) return;
    const size_t rest = after_last_rest(messages, settings.ttl_ms);
    const size_t end = first_kept(messages, rest, settings.keep_last_assistants);
    double used = 0;
    for (size_t i = 0; i < rest; ++i)
        used += static_cast<double>(message_size(messages[i], image_worth));
    const double window = static_cast<double>(window_tokens) * bytes_of_token;
    if (used < settings.soft_trim_ratio * window) return;

    std::vector<size_t> results;
    double clearable = 0;
    const auto replace = [&](size_t at, std::string text) {
        used -= static_cast<double>(message_size(messages[at], image_worth));
        used += static_cast<double>(text.size());
        messages[at] = result_with_text(messages[at], std::move(text));
    };
    for (size_t i = 0; i < end; ++i) {
        if (!may_prune(messages[i], settings)) continue;
        results.push_back(i);
        if (std::string text = trimmed_result(text_of_result(messages[i]), settings); !text.empty())
            replace(i, std::move(text));
        clearable += static_cast<double>(message_size(messages[i], image_worth));
    }
    if (!settings.clears || clearable < static_cast<double>(settings.least_clearable)) return;
    for (const size_t at : results) {
        if (used < settings.hard_clear_ratio * window) return;
        replace(at, settings.placeholder);
    }
}

}  // namespace agent
