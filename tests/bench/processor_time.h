// Processor time of processes, to the nanosecond: what /proc tells is counted in ticks of 10 ms.
#pragma once

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

// Milliseconds, user and system, of all of them so far.
inline double processor_ms(const std::vector<pid_t>& pids) {
    double sum = 0;
    for (const pid_t pid : pids) {
        clockid_t clock{};
        timespec time{};
        if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
            std::fprintf(stderr, "bench: process %d, which was measured, has ended\n", pid);
            std::exit(1);
        }
        sum += static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
    }
    return sum;
}
