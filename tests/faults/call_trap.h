// Looks at chosen system calls of the supervisor and its children before the kernel does, and may
// answer in the kernel's place. By seccomp's user notification: works on what ships, needs no
// special build.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "workers/common/base/fd.h"

class CallTrap {
  public:
    struct Call {
        pid_t pid = 0;  // as this test sees it
        int number = 0;
        uint64_t arguments[6] = {};
    };
    // The errno to fail with, 0 to let the call go on. Runs on a thread of the trap.
    using Decide = std::function<int(const Call&)>;

    CallTrap(const std::vector<int>& calls, Decide decide);
    ~CallTrap();
    CallTrap(const CallTrap&) = delete;
    CallTrap& operator=(const CallTrap&) = delete;

    // In the child, before it becomes the program; waits for attach().
    void arm();
    // In the test. The child must be alive.
    void attach(pid_t child);

  private:
    struct Shared;  // with the child
    void serve();

    std::vector<int> calls_;
    Decide decide_;
    Shared* shared_;
    Fd listener_;
    std::thread server_;
};
