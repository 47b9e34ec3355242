// The commands of `hardshell`: names, options, help texts, and which program serves each.
//
// Help is printed from the table, arguments are parsed by it. The table never says what a command
// does: each program has its own table of functions, and a test keeps the two complete.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// Which executable holds the command's code. The client carries WebSocket, JSON and TLS; the
// commands that must start fast are in `hardshell` itself.
enum class Program { hardshell, client };

struct Option {
    const char* names;  // "-n,--lines"
    const char* value;  // "LINES"; nullptr: a flag; "SCOPE...": one or more words
    const char* help;
};

struct Command {
    const char* name;      // one or two words
    const char* operands;  // "<worker>" required, "[worker]" optional, "" none
    Program program;
    const char* help;
    std::span<const Option> options;
    const char* notes;  // printed below the options: exit codes, examples
};

std::span<const Command> commands();
// Accepted before the command.
std::span<const Option> global_options();

// The command that `words` begin with, and how many of the words are its name; nullptr: none.
struct Found {
    const Command* command = nullptr;
    size_t words = 0;
};
Found find_command(std::span<const std::string> words);

// The name closest to what was typed, or empty when none is close.
std::string nearest_command(std::string_view typed);

std::string version_line();
std::string overview();
std::string help_for(const Command& command);

}  // namespace cli
