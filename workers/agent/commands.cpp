#include "workers/agent/commands.h"

#include <algorithm>

#include "workers/agent/ids.h"

namespace agent {

namespace {

constexpr std::string_view stop_words[] = {"/stop", "stop", "esc",      "abort",
                                           "wait",  "exit", "interrupt"};

struct Row {
    std::string_view name;
    Command::Kind kind;
    std::string_view help;
};
constexpr Row commands[] = {
    // name     does                        help
    {"/help", Command::Kind::help, "shows this list"},
    {"/commands", Command::Kind::help, "the same"},
    {"/status", Command::Kind::status, "shows model, tokens and what is running"},
};

std::string short_number(int64_t value) {
    if (value < 1000) return std::to_string(value);
    return std::to_string((value + 500) / 1000) + "k";
}

std::string age_text(int64_t ago_ms) {
    if (ago_ms < 0) return "never used";
    if (ago_ms < 60'000) return "updated just now";
    if (ago_ms < 3'600'000) return "updated " + std::to_string(ago_ms / 60'000) + " min ago";
    if (ago_ms < 86'400'000) return "updated " + std::to_string(ago_ms / 3'600'000) + " h ago";
    return "updated " + std::to_string(ago_ms / 86'400'000) + " days ago";
}

}  // namespace

bool is_stop_word(std::string_view text) {
    const std::string word = lower_case(trimmed(text));
    return std::find(std::begin(stop_words), std::end(stop_words), word) != std::end(stop_words);
}

Command read_command(std::string_view text, const std::vector<std::string>& reset_triggers) {
    text = trimmed(text);
    if (text.empty()) return {};
    const size_t end = text.find_first_of(" \n\t");
    std::string name = lower_case(text.substr(0, end));
    if (name.size() > 1 && name.back() == ':') name.pop_back();
    const std::string_view rest = end == std::string_view::npos ? "" : trimmed(text.substr(end));
    if (std::find(reset_triggers.begin(), reset_triggers.end(), name) != reset_triggers.end())
        return {Command::Kind::fresh_session, std::string(rest)};
    for (const Row& row : commands)
        if (row.name == name && rest.empty()) return {row.kind, ""};
    return {};
}

std::string help_text(const std::vector<std::string>& reset_triggers) {
    std::string text = "Commands:";
    for (const Row& row : commands)
        text += "\n" + std::string(row.name) + " – " + std::string(row.help);
    for (const std::string& trigger : reset_triggers)
        text += "\n" + trigger + " – starts a fresh session; text after it is its first message";
    text += "\n/stop – stops the answer under way";
    return text;
}

std::string status_text(const StatusFacts& facts) {
    std::string text = "Hardshell " HARDSHELL_VERSION;
    text += "\n🧠 Model: " + facts.model;
    text += "\n🧮 Tokens: " + short_number(facts.input_tokens) + " in / " +
            short_number(facts.output_tokens) + " out";
    text += "\n📚 Context: " + short_number(facts.context_tokens) + "/" +
            short_number(facts.context_window);
    if (facts.context_window > 0)
        text += " (" + std::to_string(facts.context_tokens * 100 / facts.context_window) + "%)";
    text += "\n🧵 Session: " + facts.session_key + " • " + age_text(facts.updated_ago_ms);
    text += "\n⚙️ Think: " + (facts.thinking.empty() ? "default" : facts.thinking) + " · " +
            std::to_string(facts.active_runs) + " running, " + std::to_string(facts.waiting_runs) +
            " waiting";
    return text;
}

}  // namespace agent
