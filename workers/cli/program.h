// What both programs of the command line do first: global options, help, finding the command and
// its arguments. Then the command's function runs, or the other program takes over.
#pragma once

#include <span>

#include "workers/cli/context.h"

namespace cli {

// A command of this program. The table of a program is complete for its rows of the commands
// table; a test sees to it.
struct Handler {
    const char* command;
    int (*run)(const Context& context);
};

int run_program(int count, char** words, Program self, std::span<const Handler> handlers);

std::span<const Handler> hardshell_handlers();
std::span<const Handler> client_handlers();

}  // namespace cli
