// Collects every child, ours or adopted, and names how it ended.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace supervisor {

struct ProcessEnd {
    pid_t pid = 0;
    int code = 0;    // exit code, when signal is 0
    int signal = 0;  // what killed it
    bool core = false;
};

// "exit code 3", "killed by signal 9 (KILL)".
std::string describe(const ProcessEnd& end);

// The pid of a child that has ended and is not yet collected, 0 when there is none. Until it is
// collected its number, and that of its process group, cannot name a stranger.
pid_t ended_child();
// The same question about one child.
bool has_ended(pid_t pid);
// Collects it.
ProcessEnd collect(pid_t pid);

// Ends the children we adopted that are of the session of a worker whose leader is gone. For
// machines without control groups: who left the session too is found when everything ends.
void end_adopted(pid_t leader);
// The children of this single-threaded process, adopted ones included.
std::vector<pid_t> own_children();

}  // namespace supervisor
