#include "workers/agent/commands.h"

#include <algorithm>
#include <cstdio>

#include "workers/agent/ids.h"

namespace agent {

namespace {

constexpr std::string_view stop_words[] = {"/stop", "stop", "esc",      "abort",
                                           "wait",  "exit", "interrupt"};

using Kind = Command::Kind;
constexpr bool with_text = true, alone = false;
constexpr bool native = true, typed = false;

constexpr std::string_view docking_help =
    "an answer goes to where its question came from, and what the assistant says by itself to "
    "where you wrote last, or to agents.defaults.heartbeat.target";

constexpr CommandRow rows[] = {
    // names, does, with text or alone, native or typed, gate, arguments, help
    {"/help", Kind::help, alone, native, "", "", "shows the usual commands"},
    {"/commands", Kind::commands, alone, native, "", "", "shows all commands"},
    {"/status", Kind::status, alone, native, "", "", "shows model, tokens and what is running"},
    {"/whoami /id", Kind::whoami, alone, native, "", "", "shows who you are here"},
    {"/context", Kind::context, with_text, native, "", "[list]",
     "shows what the context is made of"},
    {"/stop", Kind::stop, alone, native, "", "", "stops the answer under way"},
    {"/new", Kind::fresh_session, with_text, native, "", "[message]", "starts a fresh session"},
    {"/reset", Kind::fresh_session, with_text, native, "", "[message]", "starts a fresh session"},
    {"/compact", Kind::compact, with_text, typed, "", "[instructions]",
     "condenses the conversation so far"},
    {"/think /thinking /t", Kind::thinking, with_text, native, "",
     "<off|minimal|low|medium|high|xhigh>", "sets how much the model thinks"},
    {"/verbose /v", Kind::verbose, with_text, native, "", "<off|on|full>",
     "sets whether tool calls are told"},
    {"/reasoning /reason", Kind::reasoning, with_text, native, "", "<off|on|stream>",
     "sets whether thoughts are shown"},
    {"/elevated /elev", Kind::elevated, with_text, native, "", "<off|on|ask|full>",
     "sets whether commands run by the rules of the gateway's host"},
    {"/exec", Kind::exec, with_text, native, "",
     "[host=sandbox|gateway|node] [security=deny|allowlist|full] [ask=off|on-miss|always] "
     "[node=<id>]",
     "sets where and how commands run"},
    {"/model", Kind::model, with_text, native, "",
     "<provider/model|alias|number|default|list|status>", "shows or chooses the model"},
    {"/models", Kind::models, with_text, native, "", "[provider] [page]",
     "lists the models there are"},
    {"/queue", Kind::queue, with_text, native, "",
     "<mode> [debounce:<time>] [cap:<number>] [drop:<old|new|summarize>]",
     "sets what becomes of messages that come during an answer"},
    {"/usage", Kind::usage, with_text, native, "", "<off|tokens|full|cost>",
     "sets whether answers tell what they took"},
    {"/send", Kind::send_policy, with_text, native, "", "<on|off|inherit>",
     "sets whether this session is answered"},
    {"/subagents", Kind::subagents, with_text, native, "", "<list|stop <number|all>>",
     "shows or stops the session's subagents"},
    {"/skill", Kind::skill, with_text, native, "", "<name> [input]", "uses a skill by name"},
    {"/allowlist", Kind::allowlist, with_text, typed, "",
     "[list|add dm <id>|remove dm <id>] [--channel <channel>]",
     "shows or changes who may write to the assistant"},
    {"/activation", Kind::activation, with_text, native, "", "<mention|always|inherit>",
     "sets whether this group is answered only when the bot is named"},
    {"/approve", Kind::approve, with_text, native, "", "<id> <allow-once|allow-always|deny>",
     "lets a command run that waits for its owner's word, or denies it"},
    {"/config", Kind::absent, with_text, native, "config", "",
     "use `hardshell config` or the Control UI"},
    {"/debug", Kind::absent, with_text, native, "debug", "",
     "use HARDSHELL_LOG_LEVEL or `hardshell logs`"},
    {"/bash", Kind::absent, with_text, typed, "bash", "", "ask the assistant to run the command"},
    {"/restart", Kind::absent, alone, native, "restart", "", "use `hardshell restart`"},
    {"/dock_telegram /dock-telegram", Kind::absent, with_text, typed, "", "", docking_help},
    {"/dock_discord /dock-discord", Kind::absent, with_text, typed, "", "", docking_help},
    {"/tts", Kind::absent, with_text, native, "", "", "answers are not spoken by this gateway"},
};

constexpr bool every_row_has_help() {
    return std::all_of(std::begin(rows), std::end(rows), [](const CommandRow& row) {
        return row.names.starts_with("/") && !row.help.empty();
    });
}
static_assert(every_row_has_help());

// Those of /help; the others are in /commands.
constexpr std::string_view usual[] = {"/status", "/new",   "/stop",   "/compact",
                                      "/think",  "/model", "/whoami", "/commands"};

const CommandRow* row_of(std::string_view name) {
    for (const CommandRow& row : rows)
        for (std::string_view names = row.names; !names.empty();) {
            const size_t end = std::min(names.find(' '), names.size());
            if (names.substr(0, end) == name) return &row;
            names.remove_prefix(std::min(end + 1, names.size()));
        }
    return nullptr;
}

// "/status" of "/Status:", "/status@some_bot".
std::string name_in(std::string_view word) {
    std::string name = lower_case(word.substr(0, word.find('@')));
    if (name.size() > 1 && name.back() == ':') name.pop_back();
    return name;
}

bool is_among(const std::vector<std::string>& triggers, std::string_view name) {
    return std::find(triggers.begin(), triggers.end(), name) != triggers.end();
}

std::string line_of(const CommandRow& row) {
    std::string line(row.name());
    if (!row.arguments.empty()) line += " " + std::string(row.arguments);
    return line + " – " + std::string(row.help);
}

std::string lines_of(const std::vector<std::string>& triggers, const auto& is_shown) {
    std::string lines;
    for (const CommandRow& row : rows) {
        if (row.kind == Kind::absent || !is_shown(row)) continue;
        if (row.kind == Kind::fresh_session && !is_among(triggers, row.name())) continue;
        lines += "\n" + line_of(row);
    }
    for (const std::string& trigger : triggers)
        if (!row_of(trigger)) lines += "\n" + trigger + " [message] – starts a fresh session";
    return lines;
}

std::string age_text(int64_t ago_ms) {
    if (ago_ms < 0) return "never used";
    if (ago_ms < 60'000) return "updated just now";
    if (ago_ms < 3'600'000) return "updated " + std::to_string(ago_ms / 60'000) + "m ago";
    if (ago_ms < 86'400'000) return "updated " + std::to_string(ago_ms / 3'600'000) + "h ago";
    return "updated " + std::to_string(ago_ms / 86'400'000) + "d ago";
}

std::string with_decimal(double value, const char* unit) {
    char number[32];
    std::snprintf(number, sizeof number, value < 10 ? "%.1f%s" : "%.0f%s", value, unit);
    return number;
}

std::string context_line(const StatusFacts& facts) {
    std::string line = "📚 Context: " + short_number(facts.context_tokens) + "/" +
                       short_number(facts.context_window);
    if (facts.context_window > 0)
        line += " (" + std::to_string(facts.context_tokens * 100 / facts.context_window) + "%)";
    return line + " · 🧹 Compactions: " + std::to_string(facts.compactions);
}

std::string runtime_line(const StatusFacts& facts) {
    std::string line =
        "⚙️ Runtime: direct · Think: " + (facts.thinking.empty() ? "default" : facts.thinking);
    if (!facts.verbose.empty() && facts.verbose != "off") line += " · verbose " + facts.verbose;
    if (!facts.reasoning.empty() && facts.reasoning != "off")
        line += " · reasoning " + facts.reasoning;
    if (!facts.elevated.empty() && facts.elevated != "off")
        line += facts.elevated == "on" ? " · elevated" : " · elevated:" + facts.elevated;
    return line;
}

}  // namespace

bool is_stop_word(std::string_view said) {
    said = trimmed(said);
    if (said.find_first_of(" \n\t") != std::string_view::npos) return false;
    const std::string word = said.starts_with('/') ? name_in(said) : lower_case(said);
    return std::find(std::begin(stop_words), std::end(stop_words), word) != std::end(stop_words);
}

std::span<const CommandRow> command_rows() {
    return rows;
}

std::optional<Command> read_command(std::string_view said,
                                    const std::vector<std::string>& reset_triggers) {
    said = trimmed(said);
    if (said.empty()) return {};
    const size_t end = said.find_first_of(" \n\t");
    const std::string name = name_in(said.substr(0, end));
    const std::string rest(end == std::string_view::npos ? "" : trimmed(said.substr(end)));
    if (is_among(reset_triggers, name)) return Command{row_of("/new"), rest};
    // "!ls" is "/bash ls".
    if (said.front() == '!' && said.size() > 1 && said[1] != ' ' && said[1] != '!')
        return Command{row_of("/bash"), std::string(said.substr(1))};
    const CommandRow* row = row_of(name);
    if (!row || row->kind == Kind::fresh_session) return {};
    if (!row->takes_text && !rest.empty()) return {};
    return Command{row, rest};
}

std::string help_text(const std::vector<std::string>& reset_triggers) {
    return "Commands:" + lines_of(reset_triggers, [](const CommandRow& row) {
               return std::find(std::begin(usual), std::end(usual), row.name()) != std::end(usual);
           });
}

std::string commands_text(const std::vector<std::string>& reset_triggers) {
    return "All commands:" + lines_of(reset_triggers, [](const CommandRow&) { return true; });
}

std::string short_number(int64_t value) {
    if (value < 1000) return std::to_string(value);
    if (value < 10'000) return with_decimal(static_cast<double>(value) / 1e3, "k");
    if (value < 1'000'000) return std::to_string((value + 500) / 1000) + "k";
    return with_decimal(static_cast<double>(value) / 1e6, "M");
}

std::string status_text(const StatusFacts& facts) {
    std::string shown = "🦞 Hardshell " HARDSHELL_VERSION;
    shown += "\n🧠 Model: " + facts.model;
    if (!facts.key_kind.empty()) shown += " · 🔑 " + facts.key_kind;
    shown += "\n🧮 Tokens: " + short_number(facts.input_tokens) + " in / " +
             short_number(facts.output_tokens) + " out";
    if (facts.cost) {
        char cost[32];
        std::snprintf(cost, sizeof cost, " · 💵 Cost: $%.4f", *facts.cost);
        shown += cost;
    }
    shown += "\n" + context_line(facts);
    shown += "\n🧵 Session: " + facts.session_key + " • " + age_text(facts.updated_ago_ms);
    shown += "\n" + runtime_line(facts);
    shown += "\n";
    if (!facts.activation.empty()) shown += "👥 Activation: " + facts.activation + " · ";
    shown += "🪢 Queue: " + facts.queue + " (depth " + std::to_string(facts.queued) + ") · " +
             std::to_string(facts.active_runs) + " running, " + std::to_string(facts.waiting_runs) +
             " waiting";
    return shown;
}

}  // namespace agent
