#include "workers/tools/settings.h"

#include <algorithm>
#include <cstdlib>

namespace tools {

namespace {

constexpr int64_t longest_timeout_seconds = 24 * 3600;
constexpr int64_t longest_yield_ms = 120'000;

const Json& of_agent(const Json& config, const std::string& agent) {
    for (const Json& entry : member_at(config, "agents.list"))
        if (text_view(entry, "id") == agent) return member_at(entry, "tools.exec");
    return member(Json(), "");
}

uint64_t number(const std::string& text, uint64_t least, uint64_t most, uint64_t fallback) {
    const unsigned long long value = std::strtoull(text.c_str(), nullptr, 10);
    return value == 0 ? fallback : std::clamp<uint64_t>(value, least, most);
}

}  // namespace

ExecSettings exec_settings(const Json& config, const std::string& agent, const Variable& variable) {
    const Json& shared = member_at(config, "tools.exec");
    const Json& own = of_agent(config, agent);
    const auto value = [&](const char* key) -> const Json& {
        const Json& mine = member(own, key);
        return mine.is_null() ? member(shared, key) : mine;
    };
    const auto text = [&](const char* key, std::string fallback) {
        return value(key).is_string() ? value(key).get<std::string>() : std::move(fallback);
    };
    const auto whole = [&](const char* key, int64_t fallback, int64_t most) {
        return value(key).is_number() ? std::clamp<int64_t>(value(key).get<int64_t>(), 1, most)
                                      : fallback;
    };
    ExecSettings settings;
    settings.host = text("host", settings.host);
    settings.security = text("security", "");
    settings.ask = text("ask", "");
    settings.yield =
        std::chrono::milliseconds(whole("backgroundMs", settings.yield.count(), longest_yield_ms));
    settings.timeout = std::chrono::seconds(whole("timeoutSec", 1800, longest_timeout_seconds));
    settings.apply_patch = bool_member(value("applyPatch"), "enabled");
    const std::string network = variable("HARDSHELL_EXEC_NETWORK");
    settings.network = network == "on" || network == "1" || network == "true";
    settings.memory_bytes = number(variable("HARDSHELL_EXEC_MEMORY_MIB"), 16, 1u << 20, 512) << 20;
    settings.most_processes =
        static_cast<uint32_t>(number(variable("HARDSHELL_EXEC_PROCESSES"), 4, 4096, 128));
    return settings;
}

void choose(const ExecChoice& choice, ExecSettings& settings) {
    // An owner who denies commands denies them whatever is chosen.
    if (settings.security == "deny") return;
    if (!choice.host.empty()) settings.host = choice.host;
    if (!choice.security.empty()) settings.security = choice.security;
    if (!choice.ask.empty()) settings.ask = choice.ask;
}

}  // namespace tools
