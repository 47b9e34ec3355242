// A cell: what one command is kept in. Everything in it ends when its command does.
//
// The walls, as far as the machine has them: a user of its own, namespaces (its own processes, a
// view of the files in which only the workspace can be written and the state directory is not
// there, no network), Landlock, limits, a system call filter. What is missing is said once, see
// Walls::missing(); a wall that is there and cannot be built for a cell ends the cell.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "proto/tools_launcher.pb.h"

namespace tools {

struct Walls {
    bool own_users = false;       // we may become other users
    bool namespaces = false;      // processes, mounts, network
    bool user_namespace = false;  // they take one of these, too
    int landlock = 0;             // its version; 0: none

    // In an owner's words, what follows for what is not there.
    std::vector<std::string> missing() const;
};

// Tries out what this process may do.
Walls find_walls();

// Where the cell's command reads and writes, and where it is told why it could not start.
struct CellDescriptors {
    int input = -1;
    int output = -1;
    int report = -1;
};

// The process that leads the cell; its exit code is the command's as a shell has it. -1 with errno
// when there is none. `user` only counts with own users. For a process with one thread.
pid_t start_cell(const Walls& walls, const hardshell::proto::StartCell& order,
                 const CellDescriptors& descriptors, unsigned user);

}  // namespace tools
