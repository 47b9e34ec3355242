#include "workers/cli/context.h"

#include <algorithm>
#include <cctype>

namespace cli {

namespace {

bool is_profile_name(const std::string& name) {
    if (name.empty() || name.size() > 64 || !std::isalnum(static_cast<unsigned char>(name[0])))
        return false;
    return std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) || c == '_' || c == '-');
    });
}

// Reads "--profile NAME" and "--profile=NAME"; false when `words` begin with neither.
Result<bool> take_profile(std::span<const std::string> words, Globals& globals) {
    const std::string& word = words.front();
    const bool joined = word.starts_with("--profile=");
    if (!joined && word != "--profile") return false;
    if (!joined && words.size() < 2)
        return Error{Fault::bad_message, "--profile needs a name, as in `--profile work`"};
    globals.profile = joined ? word.substr(10) : words[1];
    globals.words += joined ? 1 : 2;
    if (!is_profile_name(globals.profile))
        return Error{Fault::bad_message,
                     "Invalid --profile (use letters, digits, \"_\" or \"-\" only)"};
    return true;
}

bool take_flag(const std::string& word, Globals& globals) {
    if (word == "--dev")
        globals.dev = true;
    else if (word == "--no-color")
        globals.no_color = true;
    else if (word == "--help" || word == "-h")
        globals.help = true;
    else if (word == "--version" || word == "-V")
        globals.version = true;
    else
        return false;
    ++globals.words;
    return true;
}

}  // namespace

std::string Context::variable(const std::string& suffix) const {
    const std::string value = environment("OPENCLAW_" + suffix);
    return value.empty() ? environment("CLAWDBOT_" + suffix) : value;
}

Context make_context(bool colour) {
    Context context;
    context.environment = paths::process_environment();
    context.state_dir = paths::state_dir(context.environment);
    context.config_path = paths::config_path(context.environment, context.state_dir);
    context.run_dir = paths::run_dir(context.environment, context.state_dir);
    context.libexec_dir = paths::libexec_dir();
    context.style = Style(colour);
    return context;
}

Result<Globals> parse_globals(std::span<const std::string> words) {
    Globals globals;
    while (globals.words < words.size() && words[globals.words].starts_with("-")) {
        const auto rest = words.subspan(globals.words);
        if (take_flag(rest.front(), globals)) continue;
        Result<bool> taken = take_profile(rest, globals);
        if (!taken) return taken.error();
        if (!*taken)
            return Error{Fault::bad_message, "\"" + rest.front() +
                                                 "\" is not known before a command; see "
                                                 "`hardshell --help`"};
    }
    if (globals.dev && !globals.profile.empty() && globals.profile != "dev")
        return Error{Fault::bad_message, "Cannot combine --dev with --profile"};
    if (globals.dev) globals.profile = "dev";
    return globals;
}

std::vector<std::pair<std::string, std::string>> profile_variables(
    const Globals& globals, const paths::Environment& environment) {
    if (globals.profile.empty()) return {};
    const std::string home = environment("HOME").empty() ? "/root" : environment("HOME");
    std::string lower = globals.profile;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::string state =
        home + "/.openclaw" + (lower == "default" ? "" : "-" + globals.profile);
    const std::string chosen =
        environment("OPENCLAW_STATE_DIR").empty() ? state : environment("OPENCLAW_STATE_DIR");
    std::vector<std::pair<std::string, std::string>> all = {
        {"OPENCLAW_STATE_DIR", chosen},
        {"OPENCLAW_CONFIG_PATH", chosen + "/openclaw.json"},
    };
    if (lower == "dev") all.emplace_back("OPENCLAW_GATEWAY_PORT", "19001");
    std::erase_if(all, [&](const auto& pair) { return !environment(pair.first).empty(); });
    all.insert(all.begin(), {"OPENCLAW_PROFILE", globals.profile});
    return all;
}

}  // namespace cli
