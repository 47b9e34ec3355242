#include "workers/cli/program.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace cli {

namespace {

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

// How many of the first words name a program that is this one: commands of a fly.toml are appended
// to our entrypoint, also those for stock OpenClaw's image, "node dist/index.js gateway …", and
// those that begin with our own name.
int launcher_words(int count, char** words) {
    if (count < 3) return 0;
    const std::string_view first = base_name(words[1]);
    if (first == "hardshell" || first == "openclaw") return 1;
    if (first != "node") return 0;
    const std::string_view script = words[2];
    for (const std::string_view known : {"dist/index.js", "dist/entry.js", "openclaw.mjs"})
        if (script.ends_with(known)) return 2;
    return 0;
}

bool wants_colour(const Globals& globals, std::span<const std::string> rest) {
    for (const std::string& word : rest)
        if (word == "--no-color") return false;
    const char* terminal = std::getenv("TERM");
    const char* refused = std::getenv("NO_COLOR");
    return !globals.no_color && !(refused && *refused) && isatty(STDOUT_FILENO) == 1 &&
           !(terminal && std::strcmp(terminal, "dumb") == 0);
}

int unknown_command(std::span<const std::string> words) {
    const std::string& typed = words.front();
    const std::string both = words.size() > 1 ? typed + " " + words[1] : typed;
    std::string nearest = nearest_command(typed);
    if (nearest.empty()) nearest = nearest_command(both);
    complain("\"" + typed + "\" is not a command; " +
             (nearest.empty() ? "see `" + program_name() + " --help`"
                              : "did you mean `" + program_name() + " " + nearest + "`?"));
    return 1;
}

// `hardshell help [command]`
int print_help(std::span<const std::string> words) {
    const Found found = find_command(words);
    if (!words.empty() && !found.command) return unknown_command(words);
    print(found.command ? help_for(*found.command) : overview());
    return 0;
}

int hand_over(const Context& context, char** words) {
    const std::string program = context.libexec_dir + "/client";
    execv(program.c_str(), words);
    complain("cannot run " + program + ": " + std::strerror(errno) +
             "; the installation is incomplete, build or install it again");
    return 1;
}

int run_command(const Found& found, const Context& context, std::span<const Handler> handlers) {
    for (const Handler& handler : handlers)
        if (std::strcmp(handler.command, found.command->name) == 0) return handler.run(context);
    complain("`" + program_name() + " " + found.command->name +
             "` is served by another program; run `hardshell` itself");
    return 1;
}

}  // namespace

int run_program(int count, char** words, Program self, std::span<const Handler> handlers) {
    set_program_name(count > 0 ? words[0] : nullptr);
    const int skipped = (count > 0 ? 1 : 0) + launcher_words(count, words);
    const std::vector<std::string> all(words + skipped, words + count);
    Result<Globals> globals = parse_globals(all);
    if (!globals) {
        complain(globals.error().what);
        return 2;  // as OpenClaw does
    }
    if (globals->version) return print(version_line()) ? 0 : 1;
    std::span<const std::string> rest = std::span(all).subspan(globals->words);
    if (globals->help) return print_help(rest);
    if (rest.empty()) {
        print(overview());
        return 1;
    }
    if (rest.front() == "help") return print_help(rest.subspan(1));
    const Found found = find_command(rest);
    if (!found.command) return unknown_command(rest);

    for (const auto& [name, value] : profile_variables(*globals, paths::process_environment()))
        setenv(name.c_str(), value.c_str(), 1);
    Context context = make_context(wants_colour(*globals, rest));
    if (found.command->program == Program::client && self != Program::client)
        return hand_over(context, words);
    Result<Arguments> arguments = parse_arguments(*found.command, rest.subspan(found.words));
    if (!arguments) return fail(arguments.error());
    context.arguments = std::move(*arguments);
    // The log of this machine's supervisor needs no WebSocket, that of another gateway does.
    const auto is_given = [&](const char* option) { return context.arguments.has(option); };
    if (self != Program::client && std::strcmp(found.command->name, "logs") == 0 &&
        (is_given("url") || is_given("token") || is_given("password")))
        return hand_over(context, words);
    if (context.arguments.wants_help()) return print(help_for(*found.command)) ? 0 : 1;
    return run_command(found, context, handlers);
}

}  // namespace cli
