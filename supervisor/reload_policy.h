// The table of what a changed plan does to what runs: gateway.reload.mode in the words of a
// supervisor.
#pragma once

#include <string_view>

namespace supervisor {

enum class ReloadCause {
    asked,    // by the owner or a client
    noticed,  // the file has changed
};

enum class Reload {
    follow,       // the workers whose part changed are replaced
    replace_all,  // every worker is
    wait,         // nothing changes until it is asked for
};

// `closes_connections`: a worker that holds the clients' connections would be replaced.
Reload reload_for(ReloadCause cause, std::string_view mode, bool closes_connections);

}  // namespace supervisor
