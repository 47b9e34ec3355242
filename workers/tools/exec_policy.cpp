#include "workers/tools/exec_policy.h"

#include <unistd.h>

#include <algorithm>

namespace tools {

namespace {

// From the strictest on.
constexpr std::string_view securities[] = {"deny", "allowlist", "full"};
constexpr std::string_view asks[] = {"always", "on-miss", "off"};
constexpr const char* program_directories[] = {"/usr/local/bin", "/usr/bin", "/bin"};
constexpr std::string_view shell_signs = "|&;<>()$`\n\r{}*?[]#~!\\";

template <typename Words>
std::string stricter(const Words& words, std::string_view a, std::string_view b) {
    for (const std::string_view word : words)
        if (word == a || word == b) return std::string(word);
    return std::string(words[0]);
}

// "/usr/bin/../../data/x" would fit a pattern for what is below /usr/bin.
bool leads_elsewhere(const std::string& path) {
    for (const std::string_view step : {"/../", "/./"})
        if ((path + "/").find(step) != std::string::npos) return true;
    return false;
}

std::string resolved_program(const std::string& word) {
    if (word.starts_with('/'))
        return !leads_elsewhere(word) && access(word.c_str(), X_OK) == 0 ? word : std::string();
    if (word.find('/') != std::string::npos) return {};
    for (const char* directory : program_directories)
        if (const std::string path = std::string(directory) + "/" + word;
            access(path.c_str(), X_OK) == 0)
            return path;
    return {};
}

Decision refused(std::string why) {
    Decision decision;
    decision.why = std::move(why);
    return decision;
}

}  // namespace

std::optional<std::vector<std::string>> plain_words(std::string_view command) {
    std::vector<std::string> words;
    std::string word;
    bool inside = false;  // a word has begun
    char quote = 0;
    for (const char c : command) {
        if (quote == '\'' || (quote == '"' && c == '"')) {
            if (c == quote)
                quote = 0;
            else
                word += c;
            continue;
        }
        if (quote == '"') {
            if (c == '$' || c == '`' || c == '\\' || c == '\n' || c == '!') return {};
            word += c;
            continue;
        }
        if (c == ' ' || c == '\t') {
            if (std::exchange(inside, false)) words.push_back(std::exchange(word, {}));
            continue;
        }
        if (shell_signs.find(c) != std::string_view::npos || c == '\0') return {};
        inside = true;
        if (c == '\'' || c == '"')
            quote = c;
        else
            word += c;
    }
    if (quote != 0) return {};
    if (inside) words.push_back(word);
    // "NAME=value program" sets a variable.
    if (words.empty() || words.front().find('=') != std::string::npos) return {};
    return words;
}

bool fits_pattern(std::string_view pattern, std::string_view path) {
    // The last star that may take one more letter, so that nothing is tried twice.
    size_t at = 0, seen = 0, star = std::string_view::npos, mark = 0;
    bool crosses = false;
    while (seen < path.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            crosses = at + 1 < pattern.size() && pattern[at + 1] == '*';
            at += crosses ? 2 : 1;
            star = at;
            mark = seen;
        } else if (at < pattern.size() &&
                   (pattern[at] == path[seen] || (pattern[at] == '?' && path[seen] != '/'))) {
            ++at;
            ++seen;
        } else if (star != std::string_view::npos && (crosses || path[mark] != '/')) {
            at = star;
            seen = ++mark;
        } else {
            return false;
        }
    }
    while (at < pattern.size() && pattern[at] == '*') ++at;
    return at == pattern.size();
}

std::string ExecPolicy::rule(const std::string& agent, const char* key,
                             const char* fallback) const {
    const Json& agents = member(approvals_, "agents");
    for (const Json* rules :
         {&member(agents, agent), &member(agents, "*"), &member(approvals_, "defaults")})
        if (const std::string word = text_member(*rules, key); !word.empty()) return word;
    return fallback;
}

bool ExecPolicy::is_listed(const std::string& agent, const std::string& resolved) const {
    const auto known = remembered_.find(agent);
    if (known != remembered_.end() && known->second.contains(resolved)) return true;
    const Json& agents = member(approvals_, "agents");
    for (const Json* rules : {&member(agents, agent), &member(agents, "*")})
        for (const Json& row : member(*rules, "allowlist")) {
            const std::string pattern = text_member(row, "pattern");
            // A bare name would be whatever is first in some PATH.
            if (pattern.find('/') != std::string::npos && fits_pattern(pattern, resolved))
                return true;
        }
    return false;
}

Decision ExecPolicy::decide(const ExecSettings& settings, const std::string& agent,
                            const std::string& command) const {
    Decision decision;
    if (settings.host == "sandbox") {
        decision.verdict = settings.security == "deny" ? Verdict::deny : Verdict::run;
        decision.why = "tools.exec.security is deny.";
        return decision;
    }
    if (settings.host != "gateway")
        return refused("tools.exec.host is " + settings.host + ", which is not there.");
    decision.security =
        stricter(securities, settings.security.empty() ? "allowlist" : settings.security,
                 rule(agent, "security", "deny"));
    decision.ask = stricter(asks, settings.ask.empty() ? "on-miss" : settings.ask,
                            rule(agent, "ask", "on-miss"));
    const auto words = plain_words(command);
    if (words) decision.resolved = resolved_program(words->front());
    const bool listed = !decision.resolved.empty() && is_listed(agent, decision.resolved);
    const std::string fallback = rule(agent, "askFallback", "deny");
    decision.fallback_allows = fallback == "full" || (fallback == "allowlist" && listed);
    if (decision.security == "deny")
        return refused("commands on the gateway's host are denied (exec-approvals.json).");
    if (decision.security == "allowlist" && listed) {
        decision.arguments = *words;
        decision.arguments.front() = decision.resolved;
    }
    const bool passes = decision.security == "full" || listed;
    if (decision.ask == "always" || (!passes && decision.ask != "off"))
        decision.verdict = Verdict::ask;
    else if (passes)
        decision.verdict = Verdict::run;
    else
        decision.why = "it is not in the list of allowed commands.";
    return decision;
}

void ExecPolicy::replace(Json approvals) {
    approvals_ = std::move(approvals);
    remembered_.clear();
}

void ExecPolicy::remember(const std::string& agent, const Decision& decision) {
    if (!decision.resolved.empty()) remembered_[agent].insert(decision.resolved);
}

}  // namespace tools
