// The table of what the command line can ask of the supervisor.
#pragma once

#include <string_view>

#include "proto/control.pb.h"
#include "supervisor/control_socket.h"

namespace supervisor {

class Supervisor;

struct ControlVerb {
    std::string_view verb;
    std::string_view arguments;  // for messages
    void (*handle)(Supervisor&, const hardshell::proto::ControlRequest&, ControlClient&);
};

// Runs the request's verb, or refuses by naming those there are.
void run_verb(Supervisor& supervisor, const hardshell::proto::ControlRequest& request,
              ControlClient& client);

}  // namespace supervisor
