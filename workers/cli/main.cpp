// The command line: what must start fast. Commands that speak WebSocket are in the client.

#include "workers/cli/program.h"

int main(int count, char** words) {
    return cli::run_program(count, words, cli::Program::hardshell, cli::hardshell_handlers());
}
