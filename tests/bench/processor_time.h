// Processor time of processes, from /proc.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/support/process_tree.h"

// Milliseconds, user and system, of all of them so far.
inline double processor_ms(const std::vector<pid_t>& pids) {
    double ticks = 0;
    for (const pid_t pid : pids) {
        const std::string stat = read_proc(pid, "stat");
        unsigned long user = 0, system = 0;
        // Fields 14 and 15, counted from the state behind the name.
        if (std::sscanf(stat.c_str() + stat.rfind(')') + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                        &system) != 2) {
            std::fprintf(stderr, "bench: cannot read the processor time of a process\n");
            std::exit(1);
        }
        ticks += static_cast<double>(user + system);
    }
    return ticks * 1000 / static_cast<double>(sysconf(_SC_CLK_TCK));
}
