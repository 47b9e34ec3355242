// The commands that speak to the gateway over WebSocket; started by `hardshell` in its place.

#include "workers/cli/program.h"

int main(int count, char** words) {
    return cli::run_program(count, words, cli::Program::client, cli::client_handlers());
}
