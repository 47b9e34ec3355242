#include "workers/cli/commands/gateway_run.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace cli {

namespace {

struct Choice {
    const char* option;
    std::vector<const char*> allowed;
    const char* refusal;
};

const std::vector<Choice>& choices() {
    static const std::vector<Choice> table = {
        {"bind",
         {"loopback", "lan", "tailnet", "auto", "custom"},
         R"(Invalid --bind (use "loopback", "lan", "tailnet", "auto", or "custom"))"},
        {"auth", {"token", "password"}, R"(Invalid --auth (use "token" or "password"))"},
        {"tailscale",
         {"off", "serve", "funnel"},
         R"(Invalid --tailscale (use "off", "serve", or "funnel"))"},
        {"ws-log",
         {"auto", "full", "compact"},
         R"(Invalid --ws-log (use "auto", "full", "compact"))"},
    };
    return table;
}

// Options that become a variable of the supervisor instead of an argument, which anybody could
// read. Not the variables of the same meaning: an option ranks before the configuration.
struct Carried {
    const char* option;
    const char* variable;
};
constexpr Carried carried[] = {
    {"token", "HARDSHELL_TOKEN_OPTION"},
    {"password", "HARDSHELL_PASSWORD_OPTION"},
};

Done check_values(const Context& context) {
    const Arguments& given = context.arguments;
    int64_t port = 0;
    if (given.has("port") && (!parse_number(given.text("port"), 65535, port) || port == 0))
        return Error{Fault::bad_message,
                     "Invalid port: \"" + given.text("port") + "\" is no number from 1 to 65535"};
    for (const Choice& choice : choices()) {
        const std::string value = given.text(choice.option);
        if (given.has(choice.option) &&
            std::none_of(choice.allowed.begin(), choice.allowed.end(),
                         [&](const char* allowed) { return value == allowed; }))
            return Error{Fault::bad_message, choice.refusal};
    }
    const bool development = given.has("dev") || context.environment("OPENCLAW_PROFILE") == "dev";
    if (given.has("reset") && !development)
        return Error{Fault::bad_message, "Use --reset with --dev."};
    return {};
}

bool is_carried(const std::string& key) {
    return std::any_of(std::begin(carried), std::end(carried),
                       [&](const Carried& row) { return key == row.option; });
}

}  // namespace

Result<GatewayStart> gateway_start(const Context& context) {
    if (Done checked = check_values(context); !checked) return checked.error();
    const Arguments& given = context.arguments;
    GatewayStart start;
    start.arguments = {"--state-dir",
                       context.state_dir,
                       "--config-path",
                       context.config_path,
                       "--run-dir",
                       context.run_dir,
                       "--"};
    const std::string first = "gateway";
    const Command& command = *find_command(std::span(&first, 1)).command;
    for (const Option& option : command.options) {
        const std::string key = option_key(option);
        if (!given.has(key) || is_carried(key)) continue;
        start.arguments.push_back("--" + key);
        if (option.value) start.arguments.push_back(given.text(key));
    }
    for (const Carried& row : carried)
        if (given.has(row.option))
            start.environment.emplace_back(row.variable, given.text(row.option));
    return start;
}

int run_gateway(const Context& context) {
    Result<GatewayStart> start = gateway_start(context);
    if (!start) return fail(start.error());
    for (const auto& [name, value] : start->environment) setenv(name.c_str(), value.c_str(), 1);
    const std::string program = context.libexec_dir + "/supervisor";
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (std::string& argument : start->arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    execv(program.c_str(), words.data());
    complain("cannot run " + program + ": " + std::strerror(errno) +
             "; the installation is incomplete, build or install it again");
    return 1;
}

}  // namespace cli
