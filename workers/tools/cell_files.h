// What a command sees of the files, and where it may write: mounts of its own, and Landlock.
//
// For the process that leads a cell, before it gives up its rights. Each answers null, or the stage
// that failed, with errno.
#pragma once

#include "proto/tools_launcher.pb.h"

namespace tools {

const char* mount_files(const hardshell::proto::StartCell& order);

// Version of Landlock that this kernel has; 0: none.
int landlock_version();
const char* confine_writes(int landlock, const hardshell::proto::StartCell& order);

}  // namespace tools
